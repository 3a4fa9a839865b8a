"""The benchmark: this library and its alternatives, on the same sound and the same seeded weights.

machine     the machine, and its fastest matrix product
sound       the files that every contender gets
contenders  one class a way to run VGGish: contender, ours, backends, rivals,
            exported
workers     each contender in its own process, with its own time and memory
cases       the jobs, in rounds that run every contender once
precision   accuracy of bfloat16
layers      time of each layer of the network
networks    time of the network in exported files
scaling     more cores; larger batches on a GPU
programs    whole programs: start-up, and growth with the length of a clip
suite       all cases, in order
report      ratios, and a table of docs/performance.md
goals       the project's goals, and whether a run reaches them
picture     the results as a picture
"""
