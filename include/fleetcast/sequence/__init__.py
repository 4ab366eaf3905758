"""Deep sequence models: ConvLSTM on panels of stocks. Only its modules that build models import TensorFlow."""
