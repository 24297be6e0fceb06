"""Graph: a record as a picture - what is folded, boxes and arrows, layouts, and the languages they are drawn in."""
