// A library of an ABI that the binding was not made for.
int alexnet_abi_version(void) { return 2; }
const char* alexnet_version(void) { return "9.9.9"; }
