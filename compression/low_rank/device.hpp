#pragma once

// Marks functions that run on a GPU and, compiled by a C++ compiler, on the host just the same.
#ifdef __CUDACC__
#define SPILLWAY_DEVICE __device__
#else
#define SPILLWAY_DEVICE
#endif
