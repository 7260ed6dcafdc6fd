/* The features of this build of Green.
 *
 * GREEN_HAS_TLS is 1 if the functions of green/tls.h exist, else 0. The installed copy
 * of this header defines it. For the copy in the source tree the build system defines
 * it: CMake for every target that links Green, the Swift package for its C targets. */
#ifndef GREEN_CONFIG_H
#define GREEN_CONFIG_H

#endif
