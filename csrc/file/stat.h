/* The status of a file as struct stat. */
#ifndef GREEN_FILE_STAT_H
#define GREEN_FILE_STAT_H

#include "request.h"

/* Converts the result of statx(2) to request->status. The finish of a request with
 * GREEN_OP_STAT. */
void green__file_request_take_status(green_file_request *request);

#endif
