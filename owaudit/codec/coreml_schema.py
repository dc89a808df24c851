"""The messages of a Core ML model that name code, files or other models; others are stepped over.

Source: coremltools 9.0, mlmodel/format/Model.proto, NeuralNetwork.proto, CustomModel.proto,
LinkedModel.proto, Parameters.proto and MIL.proto.
"""

from __future__ import annotations

from typing import Final

from owaudit.codec.protobuf import schema

KINDS: Final = (
    *range(200, 207), *range(300, 309), *range(400, 409), 500, 501, 502, 550, 553, 555, 556, 560,
    *range(600, 620), 900, *range(2000, 2010), 3000,
)  # fmt: skip
"""Fields of ``Model`` that say what kind of model it is."""
_NETWORKS: Final = {303: "network", 403: "network", 500: "network"}
_PIPELINES: Final = {200: "PipelineClassifier", 201: "PipelineRegressor", 202: "Pipeline"}
_OWN: Final = {502: "program Program", 555: "custom CustomModel", 556: "linked LinkedModel"}


def _fields() -> str:
    parts = ["1 version int", "2 description skip", "10 updatable int"]
    for number in KINDS:
        if number in _NETWORKS:
            parts.append(f"{number} network NeuralNetwork")
        elif number in _PIPELINES:
            parts.append(f"{number} pipeline {_PIPELINES[number]}")
        else:
            parts.append(f"{number} {_OWN.get(number, 'other skip')}")
    return ", ".join(parts)


COREML: Final = schema(f"""
Model = {_fields()}
Pipeline = 1 models Model, 2 - skip
PipelineClassifier = 1 pipeline Pipeline
PipelineRegressor = 1 pipeline Pipeline
CustomModel = 10 class_name text, 30 - skip, 40 - skip
LinkedModel = 1 file LinkedModelFile
LinkedModelFile = 1 name StringParameter, 2 search StringParameter
StringParameter = 1 value text, 2 value text, 3 value text, 4 value text
NeuralNetwork = 1 layers NeuralNetworkLayer, 2 - skip
NeuralNetworkLayer = 1 name text, 500 custom CustomLayerParams
CustomLayerParams = 10 class_name text, 20 - skip, 30 - skip, 40 - skip
Program = 1 - int, 2 functions FunctionEntry, 3 - skip, 4 - skip
FunctionEntry = 1 - skip, 2 value Function
Function = 1 - skip, 2 - skip, 3 blocks BlockEntry, 4 - skip
BlockEntry = 1 - skip, 2 value Block
Block = 1 - skip, 2 - skip, 3 operations Operation, 4 - skip
Operation = 1 type text, 2 - skip, 3 - skip, 4 blocks Block, 5 attributes ValueEntry
ValueEntry = 1 - skip, 2 value Value
Value = 1 - skip, 2 - skip, 3 - skip, 5 blob BlobFileValue
BlobFileValue = 1 file text, 2 offset int
""")
