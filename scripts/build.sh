# For the other scripts: build PRESET configures and builds it, showing what it did only where it fails.
build() {
  local preset=$1 cache=build/$1/CMakeCache.txt log=build/$1.log
  local fresh=()
  # A tree that was moved or copied here cannot be configured again in place.
  grep -qsxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$cache" || fresh=(--fresh)
  mkdir -p build
  printf '%s: configuring\n' "$preset" >&2
  cmake --preset "$preset" "${fresh[@]}" >"$log" 2>&1 || { cat "$log" >&2; return 1; }
  printf '%s: building\n' "$preset" >&2
  if [ -t 2 ]; then
    cmake --build --preset "$preset" --parallel "$(nproc)"
  else
    cmake --build --preset "$preset" --parallel "$(nproc)" >"$log" 2>&1 || { tail -n 60 "$log" >&2; return 1; }
  fi
}
