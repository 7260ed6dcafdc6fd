/* The C library's own calls. They are apart from the table that names the green versions, so
 * that no green version depends on the table. */
#include "calls.h"

green_real_calls green__real;
