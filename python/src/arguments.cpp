#include "arguments.h"

#include <nanobind/stl/string.h>

#include <limits>
#include <string>

namespace nb = nanobind;

namespace sepconv::python {
namespace {

std::string shown(nb::handle object) { return nb::cast<std::string>(nb::repr(object)); }

[[noreturn]] void refuse(const char* argument, const std::string& wanted, nb::handle received) {
  throw std::invalid_argument(std::string(argument) + " must be " + wanted + ", received " + shown(received));
}

bool to_integer(nb::handle object, int64_t* value) {
  if (!PyIndex_Check(object.ptr())) return false;
  *value = PyLong_AsLongLong(nb::steal(PyNumber_Index(object.ptr())).ptr());
  if (*value == -1 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    return false;
  }
  return true;
}

bool to_integers(nb::handle object, std::vector<int64_t>* list) {
  list->clear();
  if (PyUnicode_Check(object.ptr()) || !PySequence_Check(object.ptr())) return false;
  const Py_ssize_t length = PySequence_Size(object.ptr());
  if (length < 0) {
    PyErr_Clear();
    return false;
  }
  for (Py_ssize_t i = 0; i < length; ++i) {
    int64_t value;
    if (!to_integer(nb::steal(PySequence_GetItem(object.ptr(), i)), &value)) return false;
    list->push_back(value);
  }
  return true;
}

void parse_axes(const char* argument, nb::handle object, std::vector<int64_t>* list) {
  int64_t value;
  if (to_integer(object, &value)) {
    list->assign(1, value);
  } else if (!to_integers(object, list) || list->empty()) {
    refuse(argument, "an integer or a sequence of integers", object);
  }
}

void parse_explicit_padding(nb::handle padding, Options* options) {
  const auto refuse_padding = [=] { refuse("padding", padding_choices(), padding); };
  if (!PySequence_Check(padding.ptr())) refuse_padding();
  const Py_ssize_t axes = PySequence_Size(padding.ptr());
  if (axes < 1) refuse_padding();
  options->padding = SEPCONV_PADDING_EXPLICIT;
  for (Py_ssize_t axis = 0; axis < axes; ++axis) {
    std::vector<int64_t> pair;
    if (!to_integers(nb::steal(PySequence_GetItem(padding.ptr(), axis)), &pair) || pair.size() != 2) {
      refuse_padding();
    }
    options->pad_before.push_back(pair[0]);
    options->pad_after.push_back(pair[1]);
  }
}

// keras.config.image_data_format() where Keras is imported: a program that set it means every call.
sepconv_layout configured_layout() {
  PyObject* modules = PyImport_GetModuleDict();  // borrowed
  PyObject* keras = PyDict_GetItemString(modules, "keras");
  if (keras == nullptr || !nb::hasattr(keras, "config")) return SEPCONV_LAYOUT_CHANNELS_LAST;
  return parse_layout(nb::cast<std::string>(nb::handle(keras).attr("config").attr("image_data_format")()));
}

}  // namespace

Options parse_options(nb::handle strides, nb::handle padding, nb::handle data_format, nb::handle dilation_rate) {
  Options options;
  parse_axes("strides", strides, &options.strides);
  parse_axes("dilation_rate", dilation_rate, &options.dilation_rate);
  if (PyUnicode_Check(padding.ptr())) {
    options.padding = parse_padding(nb::cast<std::string>(padding));
  } else {
    parse_explicit_padding(padding, &options);
  }
  if (data_format.is_none()) {
    options.layout = configured_layout();
  } else if (PyUnicode_Check(data_format.ptr())) {
    options.layout = parse_layout(nb::cast<std::string>(data_format));
  } else {
    refuse("data_format", quoted_names<sepconv_layout>() + " or None", data_format);
  }
  return options;
}

sepconv_activation parse_activation(const char* argument, nb::handle activation) {
  if (activation.is_none()) return {SEPCONV_ACTIVATION_NONE, 0, 0};
  const auto refuse_activation = [=] {
    refuse(argument,
           "None, " + quoted_names({SEPCONV_ACTIVATION_NONE, SEPCONV_ACTIVATION_CLAMP}) + " or a pair (lo, hi)",
           activation);
  };
  if (PyUnicode_Check(activation.ptr())) {
    const auto kind = from_name<sepconv_activation_kind>(nb::cast<std::string>(activation));
    if (kind && *kind != SEPCONV_ACTIVATION_CLAMP) return {*kind, 0, 0};
    refuse_activation();
  }
  if (!PySequence_Check(activation.ptr()) || PySequence_Size(activation.ptr()) != 2) refuse_activation();
  const auto bound = [&](Py_ssize_t index, float otherwise) {
    const nb::object value = nb::steal(PySequence_GetItem(activation.ptr(), index));
    float number = 0;
    if (value.is_none()) return otherwise;
    if (!nb::try_cast(value, number)) refuse_activation();
    return number;
  };
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const sepconv_activation clamp = {SEPCONV_ACTIVATION_CLAMP, bound(0, -infinity), bound(1, infinity)};
  if (!(clamp.lo <= clamp.hi)) refuse(argument, "a pair (lo, hi) with lo <= hi", activation);
  return clamp;
}

Shape parse_shape(const char* argument, nb::handle shape) {
  std::vector<int64_t> list;
  if (!to_integers(shape, &list) || list.size() > max_rank) refuse(argument, "a shape of at most 5 extents", shape);
  Shape parsed;
  for (const int64_t extent : list) {
    if (extent < 0) refuse(argument, "a shape without negative extents", shape);
    parsed.append(extent);
  }
  return parsed;
}

}  // namespace sepconv::python
