"""pretrain: samples and a method in, a run folder with an encoder out."""
