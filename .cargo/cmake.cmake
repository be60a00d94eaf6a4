# What is compiled by cmake on behalf of a crate is optimised in development builds as well.
set(CMAKE_C_FLAGS_DEBUG_INIT "-O2")
set(CMAKE_CXX_FLAGS_DEBUG_INIT "-O2")
