"""Job ``register-convlstm``: a judged ConvLSTM in MLflow, as its experiment's challenger."""

from fleetcast.job_args.sequence import RegisterConvlstm
from fleetcast.job_args.sequence_config import ConvLstmTraining
from fleetcast.jobs.register_cnn_lstm import register_model


def run(args: RegisterConvlstm) -> None:
    """Registers it once; a second time it adds nothing."""
    register_model(args, ConvLstmTraining, tracking_uri=args.tracking_uri)
