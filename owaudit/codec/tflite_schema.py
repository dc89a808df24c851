"""The tables of a TFLite model, its operators and element types.

Source: TensorFlow 2.21, tensorflow/lite/schema/schema.fbs, version 3c.
"""

from __future__ import annotations

from typing import Final

from owaudit.codec.flatbuffers import Unions, schema

TFLITE: Final = schema("""
Model = 0 version 32, 1 operator_codes [OperatorCode], 2 subgraphs [SubGraph], 3 description text,
    4 buffers [Buffer], 5 metadata_buffer [s32], 6 metadata [Metadata], 7 signature_defs [SignatureDef],
    8 external_buffer_groups [ExternalBufferGroup], 9 external_buffers [ExternalBuffer]
OperatorCode = 0 deprecated_builtin_code s8, 1 custom_code text, 2 version s32, 3 builtin_code s32
SubGraph = 0 tensors [Tensor], 1 inputs [s32], 2 outputs [s32], 3 operators [Operator], 4 name text, 5 - s32
Tensor = 0 shape [s32], 1 type s8, 2 buffer 32, 3 name text, 4 quantization QuantizationParameters, 5 - 8,
    6 sparsity SparsityParameters, 7 - [s32], 8 - 8, 9 variant_tensors [VariantSubType],
    10 external_buffer 32
QuantizationParameters = 0 - [32], 1 - [32], 2 - [32], 3 - [64], 4 details_type 8,
    5 details union:QuantizationDetails, 6 - s32
CustomQuantization = 0 - [8]
SparsityParameters = 0 - [s32], 1 - [s32], 2 dim_metadata [DimensionMetadata]
DimensionMetadata = 0 - 8, 1 - s32, 2 segments_type 8, 3 segments union:SparseIndexVector, 4 indices_type 8,
    5 indices union:SparseIndexVector
Int32Vector = 0 - [32]
Uint16Vector = 0 - [16]
Uint8Vector = 0 - [8]
VariantSubType = 0 - [s32], 1 - 8, 2 - 8
Operator = 0 opcode_index 32, 1 inputs [s32], 2 outputs [s32], 3 options_type 8,
    4 options union:BuiltinOptions, 5 custom_options data, 6 - 8, 7 - [8], 8 intermediates [s32],
    9 large_offset 64, 10 large_size 64, 11 options_2_type 8, 12 options_2 union:BuiltinOptions2, 13 - s32
Buffer = 0 data data, 1 offset 64, 2 size 64
Metadata = 0 name text, 1 buffer 32
SignatureDef = 0 inputs [TensorMap], 1 outputs [TensorMap], 2 signature_key text, 4 subgraph 32
TensorMap = 0 name text, 1 tensor_index 32
ExternalBufferGroup = 0 name text
ExternalBuffer = 0 id 32, 1 group 32, 2 offset 64, 3 length 64, 4 packing text
Lists64 = 0 - [64], 1 - [64], 2 - [64], 3 - [64], 4 - [64]
ConcatEmbeddingsOptions = 0 - s32, 1 - [s32], 2 - [s32]
OneList = 0 - [32]
Subgraphs1 = 0 subgraph s32
Subgraphs2 = 0 subgraph s32, 1 other_subgraph s32
VarHandleOptions = 0 - text, 1 - text
DotGeneral = 0 - [64], 1 - [64], 2 - [64], 3 - [64], 4 - [32]
Gather = 0 - [64], 1 - [64], 2 - [64], 4 - [64]
CustomCall = 0 call_target_name text, 2 - text, 4 - [s32], 5 - [8]
Reduce = 0 - [64]
Convolution = 0 - [64], 1 - [64], 2 - [64], 3 - [64], 4 - [8], 7 - [64], 10 - [64], 13 - [64], 16 - [32]
Scatter = 1 - [64], 2 - [64], 3 - [64]
Composite = 0 name text, 1 subgraph s32, 2 - [8]
""")

UNIONS: Final[Unions] = {
    "QuantizationDetails": {1: "CustomQuantization"},
    "SparseIndexVector": {1: "Int32Vector", 2: "Uint16Vector", 3: "Uint8Vector"},
    "BuiltinOptions": {
        3: "ConcatEmbeddingsOptions", 16: "Subgraphs1", 17: "OneList", 30: "OneList", 92: "Subgraphs2",
        93: "Subgraphs2", 103: "Subgraphs1", 111: "VarHandleOptions", 115: "OneList",
    },
    "BuiltinOptions2": {
        2: "Lists64", 3: "Lists64", 4: "Convolution", 5: "CustomCall", 6: "Reduce", 7: "Scatter",
        9: "Lists64", 10: "Lists64", 12: "DotGeneral", 13: "Lists64", 15: "Subgraphs2", 16: "Gather",
        17: "Lists64", 21: "Composite", 23: "OneList",
    },
}  # fmt: skip
"""Options that lead to something; all others are scalars."""

CUSTOM: Final = 32
"""The number of ``CUSTOM`` among the operators."""
_OPERATORS = """
ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP
FLOOR FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC
LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX
SPACE_TO_DEPTH SVDF TANH CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD
UNIDIRECTIONAL_SEQUENCE_RNN GATHER BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE
UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX
DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM ARG_MAX MINIMUM LESS NEG PADV2 GREATER
GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE TILE EXPAND_DIMS EQUAL NOT_EQUAL
LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK LOGICAL_OR ONE_HOT LOGICAL_AND
LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE
RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N
GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF
WHILE NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM BATCH_MATMUL
PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS
HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE
READ_VARIABLE ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL
GELU DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM
ATAN2 UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT STABLEHLO_LOGISTIC STABLEHLO_ADD
STABLEHLO_DIVIDE STABLEHLO_MULTIPLY STABLEHLO_MAXIMUM STABLEHLO_RESHAPE STABLEHLO_CLAMP
STABLEHLO_CONCATENATE STABLEHLO_BROADCAST_IN_DIM STABLEHLO_CONVOLUTION STABLEHLO_SLICE
STABLEHLO_CUSTOM_CALL STABLEHLO_REDUCE STABLEHLO_ABS STABLEHLO_AND STABLEHLO_COSINE STABLEHLO_EXPONENTIAL
STABLEHLO_FLOOR STABLEHLO_LOG STABLEHLO_MINIMUM STABLEHLO_NEGATE STABLEHLO_OR STABLEHLO_POWER
STABLEHLO_REMAINDER STABLEHLO_RSQRT STABLEHLO_SELECT STABLEHLO_SUBTRACT STABLEHLO_TANH STABLEHLO_SCATTER
STABLEHLO_COMPARE STABLEHLO_CONVERT STABLEHLO_DYNAMIC_SLICE STABLEHLO_DYNAMIC_UPDATE_SLICE STABLEHLO_PAD
STABLEHLO_IOTA STABLEHLO_DOT_GENERAL STABLEHLO_REDUCE_WINDOW STABLEHLO_SORT STABLEHLO_WHILE
STABLEHLO_GATHER STABLEHLO_TRANSPOSE DILATE STABLEHLO_RNG_BIT_GENERATOR REDUCE_WINDOW STABLEHLO_COMPOSITE
STABLEHLO_SHIFT_LEFT STABLEHLO_CBRT STABLEHLO_CASE
"""
OPERATORS: Final = tuple(_OPERATORS.split())
"""Built-in operators by number."""

STRING_TYPE: Final = 5
ELEMENT_TYPES: Final = (
    "float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8",
    "float64", "complex128", "uint64", "resource", "variant", "uint32", "uint16", "int4", "bfloat16", "int2",
    "uint4",
)  # fmt: skip
ELEMENT_BITS: Final = (32, 16, 32, 8, 64, 0, 8, 16, 64, 8, 64, 128, 64, 0, 0, 32, 16, 4, 16, 2, 4)
"""Bits of an element, 0 where that is no number."""
