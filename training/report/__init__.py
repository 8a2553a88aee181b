"""The paper's tables and figures, from the results of any number of devices. Needs the `plots` extra, no TensorFlow.

loading.py reads results and caveats.py finds their limitations; rows.py groups runs; tables.py, energy_tables.py and
figures/ show rows. indices.py has the paper's equations, paper.py its numbers and claims.py its statements; baseline.py
and front.py compare rows with each other. document.py defines the parts of a report.
"""
