# Settings shared by every target of the project.
if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)

find_program(ALEXNET_CCACHE ccache)
mark_as_advanced(ALEXNET_CCACHE)
if(ALEXNET_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # What was compiled in another build folder or clone serves here too; only the folder that debug information names is that one
  # then.
  set(CMAKE_C_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} ${ALEXNET_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
endif()

if(CMAKE_CROSSCOMPILING)
  include(AlexnetHostHeaders)
endif()

# What reads JPEG, PNG and WebP, and whether OpenCV's plug-in is built, which reads the rest.
set(ALEXNET_OPENCV OFF)
if(NOT ALEXNET_WITH_PICTURES)
  set(ALEXNET_DECODER none)
elseif(WIN32)
  set(ALEXNET_DECODER wic)  # Windows' own
else()
  set(ALEXNET_DECODER libraries)
  set(ALEXNET_OPENCV ${ALEXNET_WITH_OPENCV})
endif()

# Programs in bin/ find libraries in lib/ by their relative place, built as installed, so that both trees can be moved.
set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)
set(CMAKE_INSTALL_RPATH $ORIGIN/../lib $ORIGIN/../lib/alexnet $ORIGIN/../${CMAKE_INSTALL_LIBDIR}/alexnet)
list(REMOVE_DUPLICATES CMAKE_INSTALL_RPATH)
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)

# alexnet_small(TARGET FILES...): sources of the folder that compute nothing in bulk, so that size counts and not speed. They
# are more than half of the library at -O3.
function(alexnet_small target)
  list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
    set_source_files_properties(${ARGN} TARGET_DIRECTORY ${target} PROPERTIES
      COMPILE_OPTIONS $<$<CONFIG:Release,RelWithDebInfo>:-Os>)
  endif()
endfunction()

# alexnet_room(FILES... [FAST FILES...]): the sources of a folder of the core; those after FAST compute in bulk.
function(alexnet_room)
  cmake_parse_arguments(PARSE_ARGV 0 room "" "" FAST)
  target_sources(alexnet_core PRIVATE ${room_UNPARSED_ARGUMENTS} ${room_FAST})
  alexnet_small(alexnet_core ${room_UNPARSED_ARGUMENTS})
endfunction()

# alexnet_alone(TARGET FILES...): sources of the folder whose unnamed namespaces share names with their neighbours'.
function(alexnet_alone target)
  list(TRANSFORM ARGN PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
  set_source_files_properties(${ARGN} TARGET_DIRECTORY ${target} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# alexnet_unite(TARGET): with ALEXNET_UNITY, a folder's sources that have the same options are compiled as one file, since most of
# the time goes into the headers that they share; one that has definitions of its own stays alone. CMake's own UNITY_BUILD
# leaves alone what has options.
function(alexnet_unite target)
  if(NOT ALEXNET_UNITY)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  get_target_property(folder ${target} SOURCE_DIR)
  set(units)
  foreach(source ${sources})
    cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${folder})
    get_source_file_property(alone ${source} TARGET_DIRECTORY ${target} SKIP_UNITY_BUILD_INCLUSION)
    get_source_file_property(defined ${source} TARGET_DIRECTORY ${target} COMPILE_DEFINITIONS)
    if(alone OR defined OR NOT source MATCHES "\\.cpp$")
      continue()
    endif()
    get_source_file_property(options ${source} TARGET_DIRECTORY ${target} COMPILE_OPTIONS)
    cmake_path(GET source PARENT_PATH room)
    cmake_path(RELATIVE_PATH room BASE_DIRECTORY ${PROJECT_SOURCE_DIR})
    string(MD5 unit "${room} ${options}")
    list(APPEND units ${unit})
    list(APPEND sources_${unit} ${source})
    set(options_${unit} "${options}")
    cmake_path(GET room FILENAME room_${unit})
  endforeach()
  list(REMOVE_DUPLICATES units)
  foreach(unit ${units})
    list(LENGTH sources_${unit} count)
    if(count EQUAL 1)
      continue()
    endif()
    string(SUBSTRING ${unit} 0 4 id)
    set(united ${PROJECT_BINARY_DIR}/unity/${target}_${room_${unit}}_${id}.cpp)
    list(TRANSFORM sources_${unit} REPLACE "(.+)" "#include \"\\1\"\n" OUTPUT_VARIABLE includes)
    list(JOIN includes "" includes)
    file(CONFIGURE OUTPUT ${united} CONTENT "${includes}" @ONLY)
    set_source_files_properties(${sources_${unit}} TARGET_DIRECTORY ${target} PROPERTIES HEADER_FILE_ONLY ON)
    target_sources(${target} PRIVATE ${united})
    if(NOT options_${unit})
      set(options_${unit})
    endif()
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)  # these warn of a file's names in those that follow it
      list(APPEND options_${unit} -Wno-shadow -Wno-subobject-linkage)
    endif()
    set_source_files_properties(${united} TARGET_DIRECTORY ${target} PROPERTIES COMPILE_OPTIONS "${options_${unit}}")
  endforeach()
endfunction()

# alexnet_settings(TARGET): what every target of ours is compiled and linked with.
function(alexnet_settings target)
  target_compile_features(${target} PRIVATE cxx_std_20)
  set_target_properties(${target} PROPERTIES
    CXX_EXTENSIONS OFF POSITION_INDEPENDENT_CODE ON
    CXX_VISIBILITY_PRESET hidden C_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  if(ALEXNET_DEVELOPER)
    target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Werror)
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
      target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)  # wrong for std::string: GCC's bug 105651
    endif()
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND UNIX)
    # GNU's unique symbols cannot be made local in libalexnet.a, and keep libalexnet.so from being unloaded.
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-gnu-unique>)
  endif()
  if(WIN32)  # of Windows 10 and newer
    target_compile_definitions(${target} PRIVATE NOMINMAX WIN32_LEAN_AND_MEAN _WIN32_WINNT=0x0A00)
  endif()
  if(UNIX AND NOT APPLE)
    target_compile_options(${target} PRIVATE "$<$<NOT:$<CONFIG:Debug>>:-ffunction-sections;-fdata-sections>")
    target_link_options(${target} PRIVATE "$<$<NOT:$<CONFIG:Debug>>:LINKER:--gc-sections>")
  endif()
  if(ALEXNET_SANITIZE)
    target_compile_options(${target} PUBLIC -fsanitize=${ALEXNET_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
      -O1 -g1)
    target_link_options(${target} PUBLIC -fsanitize=${ALEXNET_SANITIZE})
  endif()
endfunction()

# xxHash is used header-only (XXH_INLINE_ALL), so nothing is linked and nothing is exported.
function(alexnet_find_xxhash target)
  find_path(ALEXNET_XXHASH_INCLUDE xxhash.h REQUIRED)
  target_include_directories(${target} SYSTEM PRIVATE ${ALEXNET_XXHASH_INCLUDE})
endfunction()
