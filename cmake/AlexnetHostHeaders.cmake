# Cross builds find nothing of the build machine, or its C library would get in. Header-only libraries fit every machine, so
# these are linked into a root of their own inside the build tree, where find_package and find_path look too.
set(root ${CMAKE_BINARY_DIR}/host-headers)
foreach(entry include/nlohmann include/xxhash.h include/hwy include/CLI share/cmake/CLI11 share/cmake/nlohmann_json lib/cmake/nlohmann_json)
  if(EXISTS /usr/${entry})
    cmake_path(GET entry PARENT_PATH folder)
    file(MAKE_DIRECTORY ${root}/${folder})
    file(CREATE_LINK /usr/${entry} ${root}/${entry} SYMBOLIC)
  endif()
endforeach()
list(APPEND CMAKE_FIND_ROOT_PATH ${root})
unset(root)
