"""What a bundle is worth on labelled tweets: scores, their intervals, its calibration, tables and pictures of them."""
