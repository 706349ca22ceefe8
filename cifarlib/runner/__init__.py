"""The instructor's side: running notebooks headlessly, their result page, the command line."""
