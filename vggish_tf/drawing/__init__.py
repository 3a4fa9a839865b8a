"""Pictures: arrays → figures. Nothing is read or embedded, and only a picture's needs computed.

axes       parts shared by all pictures: scales, colours, labels
panels     one stage in one pair of axes
pictures   panels on a page, and saving them
"""
