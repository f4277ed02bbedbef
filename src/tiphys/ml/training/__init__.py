"""From a table to a model: a gang of torchrun workers, its checkpoints, the ONNX file.

A gang's parent (`gang`, `folders`) never imports torch; `worker` runs only below torchrun. Two
trainings on one machine type with the same inputs and as many workers give the same weights, also
when they were interrupted: the order of the rows, the learning rate and the randomness of a step
are functions of the seed and of the step's number.
"""
