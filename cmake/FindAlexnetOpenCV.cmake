# find_package(AlexnetOpenCV): OpenCV's core and imgcodecs, as the targets opencv_core and opencv_imgcodecs. OpenCV's own
# configuration goes first. Debian has that only together with all of OpenCV's parts, hundreds of packages; without it the two
# libraries and their headers are looked for by name.
find_package(OpenCV QUIET COMPONENTS core imgcodecs)
if(OpenCV_FOUND)
  set(AlexnetOpenCV_FOUND TRUE)
  return()
endif()
find_path(ALEXNET_OPENCV_INCLUDE opencv2/imgcodecs.hpp PATH_SUFFIXES opencv4)
find_library(ALEXNET_OPENCV_CORE opencv_core)
find_library(ALEXNET_OPENCV_IMGCODECS opencv_imgcodecs)
mark_as_advanced(ALEXNET_OPENCV_INCLUDE ALEXNET_OPENCV_CORE ALEXNET_OPENCV_IMGCODECS)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(AlexnetOpenCV
  REQUIRED_VARS ALEXNET_OPENCV_IMGCODECS ALEXNET_OPENCV_CORE ALEXNET_OPENCV_INCLUDE
  REASON_FAILURE_MESSAGE "The plug-in that reads TIFF and other rarer pictures needs OpenCV's core and imgcodecs (Debian: \
libopencv-imgcodecs-dev). Install them, or build without it, with -DALEXNET_WITH_OPENCV=OFF.")
if(AlexnetOpenCV_FOUND AND NOT TARGET opencv_core)
  foreach(part core imgcodecs)
    string(TOUPPER ALEXNET_OPENCV_${part} library)
    add_library(opencv_${part} UNKNOWN IMPORTED)
    set_target_properties(opencv_${part} PROPERTIES IMPORTED_LOCATION ${${library}}
      INTERFACE_INCLUDE_DIRECTORIES ${ALEXNET_OPENCV_INCLUDE})
  endforeach()
endif()
