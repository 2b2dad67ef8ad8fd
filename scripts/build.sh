# For the other scripts: configure PRESET, and build PRESET [TARGET], which configures first, show what they did only where it fails.
configure() {
  local preset=$1 cache=build/$1/CMakeCache.txt log=build/$1.log
  local fresh=()
  # A tree that was moved or copied here cannot be configured again in place.
  grep -qsxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$cache" || fresh=(--fresh)
  mkdir -p build
  printf '%s: configuring\n' "$preset" >&2
  cmake --preset "$preset" "${fresh[@]}" >"$log" 2>&1 || { cat "$log" >&2; return 1; }
}

build() {
  local preset=$1 log=build/$1.log target=(${2+--target "$2"})
  configure "$preset" || return 1
  printf '%s: building\n' "$preset" >&2
  if [ -t 2 ]; then
    cmake --build --preset "$preset" --parallel "$(nproc)" "${target[@]}"
  else
    cmake --build --preset "$preset" --parallel "$(nproc)" "${target[@]}" >"$log" 2>&1 || { tail -n 60 "$log" >&2; return 1; }
  fi
}

# need_gpu_backend SCRIPT PRESET: just after configure, ends the script where that build leaves the GPU backend out, with the reason.
need_gpu_backend() {
  local missing
  missing=$(sed -n 's/^-- Without the GPU backend: not found: *//p' "build/$2.log")
  if [ -n "$missing" ]; then
    printf '%s: the GPU backend was not built, because these were not found: %s. %s\n' "$1" "$missing" \
      "Install CUDA 13, cuDNN 9 and NCCL's headers, then start again." >&2
    exit 1
  elif grep -qsE '^ALEXNET_WITH_CUDA:[A-Z]+=(OFF|0|FALSE|NO)$' "build/$2/CMakeCache.txt"; then
    printf '%s: the GPU backend was not built, because ALEXNET_WITH_CUDA is OFF in build/%s. Set it to AUTO: %s\n' "$1" "$2" \
      "cmake --preset $2 -DALEXNET_WITH_CUDA=AUTO" >&2
    exit 1
  fi
}
