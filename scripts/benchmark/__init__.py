"""The yardstick: this library beside what a user would pick instead, on the same sound and the same
seeded weights.

machine     what it runs on, and the largest matrix product per second
sound       the files that every contender gets
contenders  one class a way to run VGGish: contender, ours, rivals, exported
workers     each contender in a process of its own, so that its time and memory are its own
cases       what is run, in rounds in which every contender has its turn
precision   what bfloat16 costs in accuracy
layers      what each layer of the network takes
programs    whole programs: start-up, and growth with the length of a clip
suite       all of it, in order
report      ratios, the table of the README
goals       what was aimed at, and whether a run is there
picture     the same as a picture
"""
