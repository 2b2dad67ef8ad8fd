# What `cmake --install` puts where, in four components: runtime (what a compiled program needs), opencv (the plug-in that reads rarer
# pictures), development, program. Every place is found from another by its relative path, so that the whole tree can be moved.
include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/alexnet)
set(data ${CMAKE_INSTALL_DATADIR}/alexnet)

# Runtime. The carried oneDNN gets a folder of its own: a system's libdnnl.so.3 of another version is neither replaced nor met.
install(TARGETS alexnet EXPORT alexnet
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT development
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${bundled} DESTINATION ${data} COMPONENT runtime)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT runtime)
get_property(carried GLOBAL PROPERTY ALEXNET_CARRIED_ONEDNN)
if(carried)
  install(PROGRAMS ${carried} DESTINATION ${CMAKE_INSTALL_LIBDIR}/alexnet COMPONENT runtime)
  install(DIRECTORY build/deps/onednn/share/doc/onednn DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT runtime)
endif()
if(ALEXNET_OPENCV)
  install(TARGETS alexnet_opencv LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/alexnet COMPONENT opencv)
endif()

# Development.
install(DIRECTORY include/alexnet DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
install(EXPORT alexnet NAMESPACE alexnet:: FILE alexnet-shared.cmake DESTINATION ${package} COMPONENT development)
write_basic_package_version_file(alexnet-config-version.cmake COMPATIBILITY SameMajorVersion)
# @CONFIG_ROOT@ and @PC_ROOT@: from the folder of the file up to the prefix.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}/${package} OUTPUT_VARIABLE CONFIG_ROOT)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/pkgconfig
  OUTPUT_VARIABLE PC_ROOT)
set(find_dependencies)
foreach(dependency ${ALEXNET_STATIC_FIND})
  string(APPEND find_dependencies "    find_dependency(${dependency})\n")
endforeach()
configure_file(capi/alexnet-config.cmake.in alexnet-config.cmake @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/alexnet-config.cmake ${PROJECT_BINARY_DIR}/alexnet-config-version.cmake
  DESTINATION ${package} COMPONENT development)
set(pc alexnet)
if(ALEXNET_STATIC)
  install(FILES ${CMAKE_ARCHIVE_OUTPUT_DIRECTORY}/libalexnet.a DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
  list(APPEND pc alexnet-static)
endif()
foreach(name ${pc})
  configure_file(capi/${name}.pc.in ${name}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
endforeach()

# The program, which src/cli installs, with its manual page and completion.
if(ALEXNET_WITH_CLI)
  install(FILES share/man/man1/alexnet.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
  install(FILES share/bash-completion/completions/alexnet DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
    COMPONENT program)
endif()
if(PROJECT_IS_TOP_LEVEL)
  include(AlexnetPackage)
endif()
