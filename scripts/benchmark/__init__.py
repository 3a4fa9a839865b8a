"""The yardstick: this library beside what a user would pick instead, on the same sound and the same seeded weights.

machine     what it runs on, and the largest matrix product per second
sound       the files that every contender gets
contenders  one class a way to run VGGish: contender, ours, rivals, exported
workers     each contender in a process of its own, so that its time and memory are its own
cases       what is run, in rounds in which every contender has its turn
report      ratios, the table of the README
picture     the same as a picture
"""
