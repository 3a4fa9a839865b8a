"""Pictures: arrays in, figures out. Nothing is computed here but what a picture needs, and nothing
is read or embedded.

axes       what all pictures share: scales, colours, labels
panels     one stage into one pair of axes
pictures   panels on a page, and saving them
"""
