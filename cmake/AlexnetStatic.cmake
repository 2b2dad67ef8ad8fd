# libalexnet.a (alexnet::static): everything of ours that the C ABI reaches, as one object in which only alexnet_* is global, so
# that nothing inside can meet a name of the program that links it. Sections stay apart for the program's --gc-sections.
# ALEXNET_STATIC_FIND and ALEXNET_STATIC_LIBRARIES say, for AlexnetInstall, what a CMake project must find and link with it,
# ALEXNET_STATIC_PC_REQUIRES and ALEXNET_STATIC_PC_LIBS the same for pkg-config.
set(ALEXNET_STATIC OFF)
execute_process(COMMAND ${CMAKE_LINKER} --version OUTPUT_VARIABLE linker ERROR_QUIET)
if(NOT UNIX OR APPLE OR NOT linker MATCHES "^GNU ld" OR NOT CMAKE_OBJCOPY)
  message(STATUS "No static library: it is made with GNU ld and objcopy, which are not here")
elseif(ALEXNET_SANITIZE OR CMAKE_CONFIGURATION_TYPES OR CMAKE_INTERPROCEDURAL_OPTIMIZATION OR CMAKE_CXX_FLAGS MATCHES -flto)
  message(STATUS "No static library: not with sanitizers, link-time optimisation or several configurations")
else()
  set(ALEXNET_STATIC ON)
endif()
if(NOT ALEXNET_STATIC)
  return()
endif()

set(archive ${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}/libalexnet.a)
set(object ${CMAKE_CURRENT_BINARY_DIR}/libalexnet.o)
add_custom_command(OUTPUT ${archive} BYPRODUCTS ${object}
  # Groups of one definition in many files (COMDAT) are dissolved: merged with the program's they would lose what we made local.
  COMMAND ${CMAKE_LINKER} -r --force-group-allocation -o ${object} $<TARGET_OBJECTS:alexnet> $<TARGET_FILE:alexnet_core>
  COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=alexnet_* --strip-debug ${object}
  COMMAND ${CMAKE_COMMAND} -E rm -f ${archive}
  COMMAND ${CMAKE_AR} rcs ${archive} ${object}
  DEPENDS alexnet alexnet_core $<TARGET_OBJECTS:alexnet> COMMAND_EXPAND_LISTS VERBATIM COMMENT "Making libalexnet.a")
if(ALEXNET_INSTALL)
  set(all ALL)
endif()
add_custom_target(alexnet_archive ${all} DEPENDS ${archive})

# The system's libraries by name. A C program is linked by the C compiler, so the C++ library is one of them.
set(names ${CMAKE_CXX_IMPLICIT_LINK_LIBRARIES})
list(FILTER names INCLUDE REGEX "^(stdc\\+\\+|c\\+\\+|c\\+\\+abi)$")
list(APPEND names m ${CMAKE_DL_LIBS} pthread)
if(ALEXNET_WITH_ONEDNN)
  list(PREPEND names ${OpenMP_CXX_LIB_NAMES})
endif()
list(REMOVE_DUPLICATES names)
list(TRANSFORM names PREPEND -l)

set(libraries)
set(pc_libs)
set(pc_requires)
if(ALEXNET_DECODER STREQUAL "libraries")
  list(APPEND ALEXNET_STATIC_FIND JPEG PNG)
  list(APPEND libraries JPEG::JPEG PNG::PNG webp)
  list(APPEND pc_requires libjpeg libpng libwebp)
endif()
if(TARGET ZLIB::ZLIB)
  list(APPEND ALEXNET_STATIC_FIND ZLIB)
  list(APPEND libraries ZLIB::ZLIB)
  list(APPEND pc_requires zlib)
endif()
list(JOIN pc_requires " " ALEXNET_STATIC_PC_REQUIRES)
set(ALEXNET_STATIC_LIBRARIES ${libraries})
get_property(carried GLOBAL PROPERTY ALEXNET_CARRIED_ONEDNN)
if(carried)
  list(APPEND ALEXNET_STATIC_LIBRARIES alexnet::dnnl)
  list(APPEND pc_libs "\${libdir}/alexnet/libdnnl.so.3" "-Wl,-rpath,\${libdir}/alexnet")
elseif(ALEXNET_WITH_ONEDNN)
  list(APPEND ALEXNET_STATIC_FIND "dnnl 3.2 CONFIG")
  list(APPEND ALEXNET_STATIC_LIBRARIES DNNL::dnnl)
  list(APPEND pc_libs -ldnnl)
endif()
list(APPEND ALEXNET_STATIC_LIBRARIES ${names})
list(JOIN pc_libs " " pc_libs)
list(JOIN names " " pc_names)
set(ALEXNET_STATIC_PC_LIBS "${pc_libs} ${pc_names}")

# Used by add_subdirectory; the installed alexnet::static is written in alexnet-config.cmake.
add_library(alexnet_static INTERFACE)
add_dependencies(alexnet_static alexnet_archive)
target_include_directories(alexnet_static INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_compile_definitions(alexnet_static INTERFACE ALEXNET_STATIC)
if(ALEXNET_WITH_ONEDNN)
  list(APPEND libraries DNNL::dnnl)
endif()
target_link_libraries(alexnet_static INTERFACE ${archive} ${libraries} ${names})
add_library(alexnet::static ALIAS alexnet_static)
