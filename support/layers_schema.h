// The schema of layer files, compiled in.
#ifndef SEPCONV_SUPPORT_LAYERS_SCHEMA_H
#define SEPCONV_SUPPORT_LAYERS_SCHEMA_H

namespace sepconv::support {

const char* layers_schema();  // JSON

}  // namespace sepconv::support

#endif  // SEPCONV_SUPPORT_LAYERS_SCHEMA_H
