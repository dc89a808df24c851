"""The messages of TensorFlow's graphs: SavedModel, MetaGraph, GraphDef, checkpoints, Keras metadata.

Source: TensorFlow 2.21, tensorflow/core/framework and tensorflow/core/protobuf; Keras 2.15,
keras/protobuf/saved_metadata.proto.
"""

from __future__ import annotations

from typing import Final

from owaudit.codec.protobuf import schema

TENSORFLOW: Final = schema("""
SavedModel = 1 schema_version int, 2 meta_graphs MetaGraphDef
MetaGraphDef = 1 meta_info_def MetaInfoDef, 2 graph_def GraphDef, 3 saver_def SaverDef,
    4 collection_def CollectionEntry, 5 signature_def SignatureEntry, 6 asset_file_def AssetFileDef,
    7 object_graph_def SavedObjectGraph
MetaInfoDef = 1 - skip, 2 stripped_op_list OpList, 3 any_info Any, 4 tags text, 5 version text, 6 - skip,
    7 - int, 8 function_aliases TextEntry
OpList = 1 op OpDef
OpDef = 1 name text, 2 input_arg ArgDef, 3 output_arg ArgDef, 4 attr AttrDef, 5 - skip, 6 - skip,
    8 deprecation OpDeprecation, 16 - int, 17 - int, 18 - int, 19 - int, 20 - skip, 21 - int
ArgDef = 1 name text, 2 - skip, 3 - int, 4 - skip, 5 - skip, 6 - skip, 7 handle_data DtypeAndShape,
    16 - int, 17 full_type FullTypeDef
AttrDef = 1 - skip, 2 - skip, 3 default_value AttrValue, 4 - skip, 5 - int, 6 - int,
    7 allowed_values AttrValue
OpDeprecation = 1 - int, 2 - skip
DtypeAndShape = 1 - int, 2 shape TensorShapeProto
FullTypeDef = 1 - int, 2 args FullTypeDef, 3 - skip, 4 - int
TensorShapeProto = 2 dim Dim, 3 - int
Dim = 1 size int, 2 - skip
AttrValue = 1 list ListValue, 2 s text, 3 i int, 4 - f32, 5 b int, 6 type int, 7 shape TensorShapeProto,
    8 tensor TensorProto, 9 - skip, 10 func NameAttrList
ListValue = 2 s text, 3 - int, 4 - f32, 5 - int, 6 - int, 7 shape TensorShapeProto, 8 tensor TensorProto,
    9 func NameAttrList
NameAttrList = 1 name text, 2 attr AttrEntry
AttrEntry = 1 key text, 2 value AttrValue
TensorProto = 1 dtype int, 2 tensor_shape TensorShapeProto, 3 - int, 4 tensor_content data, 5 float_val f32,
    6 double_val f64, 7 int_val ints, 8 string_val text, 9 scomplex_val f32, 10 int64_val ints,
    11 bool_val ints, 12 dcomplex_val f64, 13 half_val ints, 14 resource_handle_val ResourceHandleProto,
    15 variant_val VariantTensorDataProto, 16 uint32_val ints, 17 uint64_val ints, 18 float8_val data
ResourceHandleProto = 1 - skip, 2 - skip, 3 - skip, 4 - int, 5 - skip, 6 dtypes_and_shapes DtypeAndShape
VariantTensorDataProto = 1 - skip, 2 - skip, 3 tensors TensorProto
Any = 1 - skip, 2 value place
TextEntry = 1 - skip, 2 - skip
GraphDef = 1 node NodeDef, 2 library FunctionDefLibrary, 3 - int, 4 versions VersionDef,
    5 debug_info GraphDebugInfo
NodeDef = 1 name text, 2 op text, 3 input text, 4 - skip, 5 attr AttrEntry,
    6 debug_info ExperimentalDebugInfo, 7 full_type FullTypeDef
ExperimentalDebugInfo = 1 - skip, 2 - skip
VersionDef = 1 - int, 2 - int, 3 - int
FunctionDefLibrary = 1 function FunctionDef, 2 gradient TextEntry, 3 registered_gradients TextEntry
FunctionDef = 1 signature OpDef, 3 node_def NodeDef, 4 ret TextEntry, 5 attr AttrEntry,
    6 control_ret TextEntry, 7 arg_attr ArgAttrEntry, 8 resource_arg_unique_id NumberEntry
ArgAttrEntry = 1 - int, 2 value ArgAttrs
ArgAttrs = 1 attr AttrEntry
NumberEntry = 1 - int, 2 - int
GraphDebugInfo = 1 - skip, 2 traces TraceEntry, 4 frames_by_id FrameEntry,
    5 name_to_trace_id NameTraceEntry, 6 traces_by_id TraceByIdEntry
TraceEntry = 1 - skip, 2 value StackTrace
TraceByIdEntry = 1 - f64, 2 value StackTrace
FrameEntry = 1 - f64, 2 value FileLineCol
NameTraceEntry = 1 - skip, 2 - f64
StackTrace = 1 file_line_cols FileLineCol, 2 - f64
FileLineCol = 1 - int, 2 - int, 3 - int, 4 - skip, 5 - skip
SaverDef = 1 filename_tensor_name text, 2 save_tensor_name text, 3 restore_op_name text, 4 - int, 5 - int,
    6 - f32, 7 - int
CollectionEntry = 1 key text, 2 value CollectionDef
CollectionDef = 1 node_list NodeList, 2 bytes_list BytesList, 3 int64_list IntList, 4 float_list FloatList,
    5 any_list AnyList
NodeList = 1 - skip
BytesList = 1 - skip
IntList = 1 - int
FloatList = 1 - f32
AnyList = 1 value Any
SignatureEntry = 1 key text, 2 value SignatureDef
SignatureDef = 1 inputs TensorInfoEntry, 2 outputs TensorInfoEntry, 3 method_name text,
    4 defaults TensorEntry
TensorInfoEntry = 1 - skip, 2 value TensorInfo
TensorEntry = 1 - skip, 2 value TensorProto
TensorInfo = 1 name text, 2 - int, 3 tensor_shape TensorShapeProto, 4 coo_sparse CooSparse,
    5 composite_tensor CompositeTensor
CooSparse = 1 - skip, 2 - skip, 3 - skip
CompositeTensor = 1 type_spec TypeSpecProto, 2 components TensorInfo
TypeSpecProto = 1 - int, 2 type_state StructuredValue, 3 - skip, 4 - int
StructuredValue = 1 none_value NoneValue, 11 - f64, 12 - int, 13 - skip, 14 - int,
    31 shape TensorShapeProto, 32 - int, 33 tensor_spec TensorSpecProto, 34 type_spec TypeSpecProto,
    35 bounded BoundedTensorSpecProto, 51 list_value ValueList, 52 tuple_value ValueList,
    53 dict_value ValueDict, 54 named_tuple_value NamedTuple, 55 tensor_value TensorProto,
    56 numpy_value TensorProto
NoneValue =
TensorSpecProto = 1 - skip, 2 shape TensorShapeProto, 3 - int
BoundedTensorSpecProto = 1 - skip, 2 shape TensorShapeProto, 3 - int, 4 minimum TensorProto,
    5 maximum TensorProto
ValueList = 1 values StructuredValue
ValueDict = 1 fields ValueEntry
ValueEntry = 1 - skip, 2 value StructuredValue
NamedTuple = 1 - skip, 2 values ValueEntry
AssetFileDef = 1 tensor_info TensorInfo, 2 filename text
SavedObjectGraph = 1 nodes SavedObject, 2 concrete_functions ConcreteFunctionEntry
SavedObject = 1 children ObjectReference, 3 slot_variables SlotVariableReference,
    4 user_object SavedUserObject, 5 asset SavedAsset, 6 function SavedFunction, 7 variable SavedVariable,
    8 bare_concrete_function SavedBareConcreteFunction, 9 constant SavedConstant, 10 resource SavedResource,
    11 saveable_objects SaveableEntry, 12 captured_tensor CapturedTensor, 13 - skip,
    14 serialized_user_proto Any, 15 dependencies ObjectReference, 16 - skip
ObjectReference = 1 - int, 2 - skip
SlotVariableReference = 1 - int, 2 - skip, 3 - int
SavedUserObject = 1 identifier text, 2 version VersionDef, 3 metadata place
SavedAsset = 1 - int
SavedFunction = 1 - skip, 2 function_spec FunctionSpec
FunctionSpec = 1 fullargspec StructuredValue, 2 - int, 5 input_signature StructuredValue, 6 - int
SavedVariable = 1 - int, 2 shape TensorShapeProto, 3 - int, 4 - int, 5 - int, 6 - skip, 7 - skip,
    8 components SavedVariable
SavedBareConcreteFunction = 1 - skip, 2 - skip, 3 - int, 4 function_spec FunctionSpec
SavedConstant = 1 - skip
SavedResource = 1 - skip
CapturedTensor = 1 - skip, 2 - skip
SaveableEntry = 1 - skip, 2 value SaveableObject
SaveableObject = 2 - int, 3 - int
ConcreteFunctionEntry = 1 - skip, 2 value SavedConcreteFunction
SavedConcreteFunction = 2 - int, 3 canonicalized_input_signature StructuredValue,
    4 output_signature StructuredValue
FingerprintDef = 1 - int, 2 - int, 3 - int, 4 - int, 5 - int, 6 version VersionDef, 7 - skip
BundleHeaderProto = 1 num_shards int, 2 endianness int, 3 version VersionDef
BundleEntryProto = 1 dtype int, 2 shape TensorShapeProto, 3 shard_id int, 4 offset int, 5 size int, 6 - f32,
    7 slices TensorSliceProto
TensorSliceProto = 1 extent Extent
Extent = 1 - int, 2 - int
SavedMetadata = 1 nodes MetadataNode
MetadataNode = 2 - int, 3 node_path text, 4 identifier text, 5 metadata place, 6 version VersionDef
""")
"""``place`` fields are texts that are handed on as members, so only where they stand is kept."""

STRING_TYPE: Final = 7
"""The number of ``DT_STRING``."""
ELEMENT_TYPES: Final = (
    "", "float32", "float64", "int32", "uint8", "int16", "int8", "string", "complex64", "int64", "bool",
    "qint8", "quint8", "qint32", "bfloat16", "qint16", "quint16", "uint16", "complex128", "float16",
    "resource", "variant", "uint32", "uint64", "float8e5m2", "float8e4m3fn", "float8e4m3fnuz",
    "float8e4m3b11fnuz", "float8e5m2fnuz", "int4", "uint4", "int2", "uint2", "float4e2m1fn",
)  # fmt: skip
"""Name of a ``DataType`` by its number."""
