// What the files of consumer share.
#ifndef CONSUMER_H_
#define CONSUMER_H_
#include <alexnet/alexnet.h>

#define SIDE 12

void expect_line(int good, const char* what, int line);
#define EXPECT(what) expect_line((what) != 0, #what, __LINE__)
#define OK(call) expect_line((call) == ALEXNET_OK, #call, __LINE__)

alexnet_image* make_image(int64_t class_index, int variant);
void expect_probabilities(const alexnet_result* result, int64_t image, int64_t classes);
void use_training(const char* folder);
void use_weight_files(const char* folder, const char* frozen);

#endif  // CONSUMER_H_
