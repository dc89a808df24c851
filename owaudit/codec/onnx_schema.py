"""The messages of an ONNX model, and its element types.

Source: onnx 1.23, onnx/onnx.proto3 and docs/ExternalData.md.
"""

from __future__ import annotations

from typing import Final

from owaudit.codec.protobuf import schema

ONNX: Final = schema("""
ModelProto = 1 ir_version int, 2 producer_name text, 3 - skip, 4 - skip, 5 - int, 6 - skip,
    7 graph GraphProto, 8 opset_import OperatorSetIdProto, 14 metadata_props Pair,
    20 training_info TrainingInfoProto, 25 functions FunctionProto,
    26 configuration DeviceConfigurationProto
OperatorSetIdProto = 1 domain text, 2 version int
DeviceConfigurationProto = 1 - skip, 2 - int, 3 - skip
TrainingInfoProto = 1 initialization GraphProto, 2 algorithm GraphProto, 3 binding Pair, 4 binding Pair
GraphProto = 1 node NodeProto, 2 name text, 5 initializer TensorProto, 10 - skip, 11 input ValueInfoProto,
    12 output ValueInfoProto, 13 value_info ValueInfoProto, 14 quantization_annotation TensorAnnotation,
    15 sparse_initializer SparseTensorProto, 16 graph_metadata Pair
NodeProto = 1 - skip, 2 - skip, 3 name text, 4 op_type text, 5 attribute AttributeProto, 6 - skip,
    7 domain text, 8 overload text, 9 node_metadata Pair, 10 device NodeDeviceConfigurationProto
NodeDeviceConfigurationProto = 1 - skip, 2 sharding ShardingSpecProto, 3 - int
ShardingSpecProto = 1 - skip, 2 - int, 3 map IntIntListEntryProto, 4 sharded ShardedDimProto
IntIntListEntryProto = 1 - int, 2 - int
ShardedDimProto = 1 - int, 2 simple SimpleShardedDimProto
SimpleShardedDimProto = 1 - int, 2 - skip, 3 - int
AttributeProto = 1 name text, 2 - f32, 3 i int, 4 s text, 5 t TensorProto, 6 g GraphProto, 7 - f32, 8 - int,
    9 - skip, 10 tensors TensorProto, 11 graphs GraphProto, 13 - skip, 14 tp TypeProto,
    15 type_protos TypeProto, 20 - int, 21 - skip, 22 sparse_tensor SparseTensorProto,
    23 sparse_tensors SparseTensorProto
TensorProto = 1 dims int, 2 data_type int, 3 segment Segment, 4 float_data f32, 5 int32_data ints,
    6 string_data skip, 7 int64_data ints, 8 name text, 9 raw_data data, 10 double_data f64,
    11 uint64_data ints, 12 - skip, 13 external_data Pair, 14 data_location int, 16 tensor_metadata Pair
Segment = 1 - int, 2 - int
SparseTensorProto = 1 values TensorProto, 2 indices TensorProto, 3 dims int
TensorAnnotation = 1 - skip, 2 quant_parameter Pair
ValueInfoProto = 1 - skip, 2 type TypeProto, 3 - skip, 4 value_metadata Pair
TypeProto = 1 tensor_type TypeProtoTensor, 4 sequence_type TypeProtoSequence, 5 map_type TypeProtoMap,
    6 - skip, 7 opaque_type TypeProtoOpaque, 8 sparse_tensor_type TypeProtoTensor,
    9 optional_type TypeProtoSequence
TypeProtoTensor = 1 - int, 2 shape TensorShapeProto
TypeProtoSequence = 1 elem_type TypeProto
TypeProtoMap = 1 - int, 2 value_type TypeProto
TypeProtoOpaque = 1 - skip, 2 - skip
TensorShapeProto = 1 dim Dimension
Dimension = 1 - int, 2 - skip, 3 - skip
FunctionProto = 1 name text, 4 - skip, 5 - skip, 6 - skip, 7 node NodeProto, 8 - skip,
    9 opset_import OperatorSetIdProto, 10 domain text, 11 attribute_proto AttributeProto,
    12 value_info ValueInfoProto, 13 overload text, 14 function_metadata Pair
Pair = 1 key text, 2 value text
""")

STRING_TYPE: Final = 8
TYPE_NAMES: Final = (
    "", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16",
    "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16", "float8e4m3fn", "float8e4m3fnuz",
    "float8e5m2", "float8e5m2fnuz", "uint4", "int4", "float4e2m1", "float8e8m0", "uint2", "int2",
    "float6e2m3", "float6e3m2",
)  # fmt: skip
"""Element types by their number; 0 is none."""
ELEMENT_BITS: Final = (
    0, 32, 8, 8, 16, 16, 32, 64, 0, 8, 16, 64,
    32, 64, 64, 128, 16, 8, 8, 8,
    8, 4, 4, 4, 8, 2, 2, 6, 6,
)  # fmt: skip
"""Bits of an element, in the same order; 0 where that is no number."""
EXTERNAL_KEYS: Final = frozenset(("location", "offset", "length", "checksum", "basepath"))
