// Pictures by the decoders of Windows (WIC): builds for Windows.
#include <windows.h>
// The order matters: it needs windows.h.
#include <wincodec.h>

#include <limits>

#include "core/error.h"
#include "data/decode.h"

namespace alx {
namespace {

template <class T>
class Ref {  // of a COM object
 public:
  Ref() = default;
  ~Ref() {
    if (object_ != nullptr) object_->Release();
  }
  Ref(const Ref&) = delete;
  Ref& operator=(const Ref&) = delete;
  T** out() { return &object_; }
  T* get() const { return object_; }
  T* operator->() const { return object_; }

 private:
  T* object_ = nullptr;
};

void good(HRESULT result, const std::string& what) {
  if (SUCCEEDED(result)) return;
  check(result != E_OUTOFMEMORY, Code::out_of_memory, what, ": too little memory to decode it");
  check(result != WINCODEC_ERR_COMPONENTNOTFOUND, Code::unsupported, what,
        ": this Windows has no decoder for its kind (WebP: the Store's \"WebP Image Extensions\"); "
        "save it as PNG");
  fail_undecodable(what, "");
}

// The calling thread belongs to the host program, which may have set it up for COM in its own way,
// or not at all. So nothing is done to it: a process that has COM's common apartment once gives it
// to threads of both kinds.
void start_com() {
  static const HRESULT started = [] {
    CO_MTA_USAGE_COOKIE never_given_back;
    return CoIncrementMTAUsage(&never_given_back);
  }();
  check(SUCCEEDED(started), Code::internal, "COM cannot be started");
}

uint8_t high(uint16_t v) { return static_cast<uint8_t>(v >> 8); }  // as Pillow takes it

// One pixel each to RGB. What needs care is converted here and not by Windows, so that it comes out
// as elsewhere.
void from_bgra(const uint8_t* in, uint8_t* out) {
  for (int c = 0; c < 3; ++c) out[c] = over_white(in[2 - c], in[3]);
}
void from_cmyk(const uint8_t* in, uint8_t* out) {
  for (int c = 0; c < 3; ++c)
    out[c] = static_cast<uint8_t>(((255 - in[c]) * (255 - in[3]) + 127) / 255);
}
void from_grey16(const uint16_t* in, uint8_t* out) { out[0] = out[1] = out[2] = high(in[0]); }
void from_rgb48(const uint16_t* in, uint8_t* out) {
  for (int c = 0; c < 3; ++c) out[c] = high(in[c]);
}
void from_rgba64(const uint16_t* in, uint8_t* out) {
  for (int c = 0; c < 3; ++c) out[c] = over_white(high(in[c]), high(in[3]));
}

// All pixels of `source`, which has `channels` values of type T for each.
template <class T>
Image pixels_of(IWICBitmapSource* source, const ImageInfo& info, size_t channels,
                void (*convert)(const T*, uint8_t*), const std::string& what) {
  const auto count = static_cast<size_t>(info.width * info.height);
  std::vector<T> values(count * channels);
  const auto stride = static_cast<UINT>(static_cast<size_t>(info.width) * channels * sizeof(T));
  good(source->CopyPixels(nullptr, stride, static_cast<UINT>(values.size() * sizeof(T)),
                          reinterpret_cast<BYTE*>(values.data())),
       what);
  Image image = black_image(info.width, info.height);
  for (size_t i = 0; i < count; ++i)
    convert(values.data() + i * channels, image.pixels.data() + i * 3);
  return image;
}

Image read_frame(IWICImagingFactory* factory, IWICBitmapSource* frame, const ImageInfo& info,
                 const std::string& what) {
  WICPixelFormatGUID format;
  good(frame->GetPixelFormat(&format), what);
  if (format == GUID_WICPixelFormat16bppGray)
    return pixels_of<uint16_t>(frame, info, 1, from_grey16, what);
  if (format == GUID_WICPixelFormat48bppRGB)
    return pixels_of<uint16_t>(frame, info, 3, from_rgb48, what);
  if (format == GUID_WICPixelFormat64bppRGBA)
    return pixels_of<uint16_t>(frame, info, 4, from_rgba64, what);
  if (format == GUID_WICPixelFormat32bppCMYK)
    return pixels_of<uint8_t>(frame, info, 4, from_cmyk, what);
  Ref<IWICFormatConverter> converter;
  good(factory->CreateFormatConverter(converter.out()), what);
  good(converter->Initialize(frame, GUID_WICPixelFormat32bppBGRA, WICBitmapDitherTypeNone, nullptr,
                             0, WICBitmapPaletteTypeCustom),
       what);
  return pixels_of<uint8_t>(converter.get(), info, 4, from_bgra, what);
}

}  // namespace

// Always whole, for `shrink` is only allowed. Windows makes PNG's transparent colours part of alpha
// itself.
Image decode_by_library(std::span<const std::byte> encoded, const ImageInfo& info, int,
                        const std::string& what) {
  check(info.pictures == 1, Code::unsupported, what,
        ": an animated WebP, which Windows does not read; save one frame");
  std::vector<std::byte> essential;
  if (info.strays) encoded = essential = essential_bytes(encoded, info.kind);
  check(encoded.size() <= size_t{std::numeric_limits<int>::max()}, Code::bad_file, what, ": ",
        encoded.size(), " bytes are too many for one picture");
  start_com();
  Ref<IWICImagingFactory> factory;
  Ref<IWICStream> stream;
  Ref<IWICBitmapDecoder> decoder;
  Ref<IWICBitmapFrameDecode> frame;
  good(CoCreateInstance(CLSID_WICImagingFactory, nullptr, CLSCTX_INPROC_SERVER,
                        IID_IWICImagingFactory, reinterpret_cast<void**>(factory.out())),
       what);
  good(factory->CreateStream(stream.out()), what);
  auto* bytes = reinterpret_cast<BYTE*>(const_cast<std::byte*>(encoded.data()));  // only read
  good(stream->InitializeFromMemory(bytes, static_cast<DWORD>(encoded.size())), what);
  good(factory->CreateDecoderFromStream(stream.get(), nullptr, WICDecodeMetadataCacheOnDemand,
                                        decoder.out()),
       what);
  good(decoder->GetFrame(0, frame.out()), what);
  UINT width = 0, height = 0;
  good(frame->GetSize(&width, &height), what);
  check(width == info.width && height == info.height, Code::bad_file, what,
        ": damaged picture file: its size is ", info.width, "x", info.height, " by its header and ",
        width, "x", height, " by its decoder");
  return read_frame(factory.get(), frame.get(), info, what);
}

std::vector<std::byte> encode_jpeg(const Image&, int) {
  fail(Code::unsupported, "this build writes no JPEG files: it reads pictures by Windows");
}

}  // namespace alx
