"""The paper's tables and figures, from the results of any number of devices. Needs the `plots` extra, no TensorFlow.

loading.py reads results, caveats.py finds what is the matter with them, rows.py brings runs together; tables.py and
figures/ show rows; indices.py has the paper's equations, paper.py its own numbers; document.py says what a report is.
"""
