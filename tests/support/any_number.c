#include "any_number.h"

sepconv_status release_any_device(int device, void* context) {
  return sepconv_device_release((sepconv_device)device, context);
}

sepconv_status fold_at_any_position(const sepconv_problem* problem, int position, const sepconv_batch_norm* norm,
                                    void* kernel, void* bias) {
  return sepconv_fold_batch_norm(problem, (sepconv_position)position, norm, kernel, bias);
}

int any_name(int function, int number, const char** name) {
  switch (function) {
    case 0:
      *name = sepconv_dtype_name((sepconv_dtype)number);
      return 1;
    case 1:
      *name = sepconv_activation_name((sepconv_activation_kind)number);
      return 1;
    case 2:
      *name = sepconv_layout_name((sepconv_layout)number);
      return 1;
    case 3:
      *name = sepconv_padding_name((sepconv_padding)number);
      return 1;
    case 4:
      *name = sepconv_stages_name((sepconv_stages)number);
      return 1;
    case 5:
      *name = sepconv_device_name((sepconv_device)number);
      return 1;
    default:
      return 0;
  }
}
