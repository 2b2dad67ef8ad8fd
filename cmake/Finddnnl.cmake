# find_package(dnnl): oneDNN, as target DNNL::dnnl. The system's or the user's own (dnnl_DIR, CMAKE_PREFIX_PATH) where it is new
# enough, else the copy that scripts/setup unpacks into build/deps/onednn. That copy moves with what is built: it is placed in a
# folder of our own beside libalexnet, where the run path finds it and no other program does, and ALEXNET_CARRIED_ONEDNN names it
# for installing.
set(carried ${PROJECT_SOURCE_DIR}/build/deps/onednn)
find_package(dnnl ${dnnl_FIND_VERSION} CONFIG QUIET GLOBAL)
if(NOT dnnl_FOUND)
  set(considered "${dnnl_CONSIDERED_VERSIONS}")
  find_package(dnnl ${dnnl_FIND_VERSION} CONFIG QUIET GLOBAL PATHS ${carried} NO_DEFAULT_PATH)
endif()

if(dnnl_FOUND)
  cmake_path(IS_PREFIX carried "${dnnl_DIR}" NORMALIZE is_carried)
  if(is_carried)
    set(ALEXNET_CARRIED_ONEDNN ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/alexnet/libdnnl.so.3)
    file(MAKE_DIRECTORY ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/alexnet)
    file(REAL_PATH ${carried}/lib/libdnnl.so.3 library)
    file(CREATE_LINK ${library} ${ALEXNET_CARRIED_ONEDNN} COPY_ON_ERROR)
    set_target_properties(DNNL::dnnl PROPERTIES IMPORTED_LOCATION_RELEASE ${ALEXNET_CARRIED_ONEDNN})
    set_property(GLOBAL PROPERTY ALEXNET_CARRIED_ONEDNN ${ALEXNET_CARRIED_ONEDNN})
  endif()
  message(STATUS "oneDNN ${dnnl_VERSION}: ${dnnl_DIR}")
elseif(dnnl_FIND_REQUIRED)
  if(considered)
    set(considered " (found: ${considered})")
  endif()
  message(FATAL_ERROR "oneDNN ${dnnl_FIND_VERSION} or newer of the 3.x series was not found${considered}. Run scripts/setup, "
    "which unpacks it into build/deps; or name your own with -Ddnnl_DIR=PREFIX/lib/cmake/dnnl; "
    "or build the plain reference loops only, with -DALEXNET_WITH_ONEDNN=OFF.")
endif()
unset(carried)
unset(considered)
