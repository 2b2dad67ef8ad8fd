using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;

namespace AlexNet
{
    /// <summary>A picture, 8-bit RGB inside. Several threads may read it while none sets it.</summary>
    public sealed unsafe class Image : IDisposable
    {
        private readonly ImageHandle owned;

        internal ImageHandle Handle => owned.Of(nameof(Image));

        private Image(ImageHandle handle)
        {
            owned = handle;
        }

        /// <summary>Without pixels, to be filled by SetPixels.</summary>
        public Image()
        {
            Native.Match();
            Native.Check(Native.alexnet_image_create(out ImageHandle handle));
            owned = handle;
        }

        /// <summary>Reads a JPEG, PNG, WebP, BMP, GIF or TIFF; its rotation tag is followed.</summary>
        public static Image FromFile(string path)
        {
            Native.Match();
            Native.Check(Native.alexnet_image_from_file(Native.Utf8(path, nameof(path)), out ImageHandle handle));
            return new Image(handle);
        }

        /// <summary>From the bytes of such a file.</summary>
        public static Image FromBytes(byte[] bytes)
        {
            fixed (byte* start = Native.Addressable(bytes, nameof(bytes)))
                return FromMemory(start, bytes.Length);
        }

#if NETCOREAPP
        /// <summary>From the bytes of such a file.</summary>
        public static Image FromBytes(ReadOnlySpan<byte> bytes)
        {
            byte nothing;
            fixed (byte* start = &MemoryMarshal.GetReference(bytes))
                return FromMemory(start != null ? start : &nothing, bytes.Length);
        }
#endif

        private static Image FromMemory(byte* bytes, int size)
        {
            Native.Match();
            Native.Check(Native.alexnet_image_from_memory(bytes, (UIntPtr)size, out ImageHandle handle));
            return new Image(handle);
        }

        /// <summary>Copies pixels, see SetPixels.</summary>
        public static Image FromPixels(byte[] pixels, long width, long height, long stride = 0, PixelFormat format = PixelFormat.Rgb)
        {
            var image = new Image();
            image.SetPixels(pixels, width, height, stride, format);
            return image;
        }

        /// <summary>Copies pixels from an array of rows.</summary>
        /// <param name="pixels">From its first byte on.</param>
        /// <param name="width">1 or more.</param>
        /// <param name="height">1 or more.</param>
        /// <param name="stride">Bytes from one row to the next; 0: no gaps; negative: the bottom row comes first.</param>
        /// <param name="format">The bytes of one pixel.</param>
        public void SetPixels(byte[] pixels, long width, long height, long stride = 0, PixelFormat format = PixelFormat.Rgb)
        {
            if (pixels == null) throw new ArgumentNullException(nameof(pixels));
            fixed (byte* start = pixels)
                SetPixels(start, pixels.Length, width, height, stride, format);
        }

#if NETCOREAPP
        /// <summary>Copies pixels, see SetPixels of an array.</summary>
        public static Image FromPixels(ReadOnlySpan<byte> pixels, long width, long height, long stride = 0,
            PixelFormat format = PixelFormat.Rgb)
        {
            var image = new Image();
            image.SetPixels(pixels, width, height, stride, format);
            return image;
        }

        /// <summary>Copies pixels, see SetPixels of an array.</summary>
        public void SetPixels(ReadOnlySpan<byte> pixels, long width, long height, long stride = 0, PixelFormat format = PixelFormat.Rgb)
        {
            fixed (byte* start = &MemoryMarshal.GetReference(pixels))
                SetPixels(start, pixels.Length, width, height, stride, format);
        }

        /// <summary>RGB, rows without gaps, into `destination`: width * height * 3 bytes.</summary>
        public void CopyPixels(Span<byte> destination)
        {
            using (Handle.Hold())
            {
                Native.Check(Native.alexnet_image_pixels(Handle, out IntPtr pixels));
                new ReadOnlySpan<byte>((void*)pixels, checked((int)(Width * Height * 3))).CopyTo(destination);
            }
        }
#endif

        /// <summary>Copies pixels from an address: that of the first row, with a negative stride where the picture is stored
        /// upside down, as System.Drawing's BitmapData gives it.</summary>
        public void SetPixels(IntPtr firstRow, long width, long height, long stride, PixelFormat format)
        {
            Native.Check(Native.alexnet_image_set_pixels(Handle, (byte*)firstRow, width, height, stride, format));
        }

        private void SetPixels(byte* pixels, long length, long width, long height, long stride, PixelFormat format)
        {
            // The library cannot see how long the array is.
            long step = 0, needed;
            try
            {
                long row = checked(width * (format == PixelFormat.Gray ? 1 : format == PixelFormat.Rgba ? 4 : 3));
                step = stride == 0 ? row : Math.Abs(stride);
                needed = checked((height - 1) * step + row);
            }
            catch (OverflowException)
            {
                needed = long.MaxValue;
            }
            if (width >= 1 && height >= 1 && needed > length)
                throw new ArgumentException("The picture needs " + (needed < long.MaxValue ? needed.ToString() : "too many") +
                    " bytes, the array has " + length + ".", nameof(pixels));
            byte* first = stride < 0 ? pixels + (height - 1) * step : pixels;
            SetPixels((IntPtr)first, width, height, stride, format);
        }

        /// <summary>0 before pixels are set.</summary>
        public long Width
        {
            get
            {
                Native.Check(Native.alexnet_image_size(Handle, out long width, out long height));
                return width;
            }
        }

        /// <summary>0 before pixels are set.</summary>
        public long Height
        {
            get
            {
                Native.Check(Native.alexnet_image_size(Handle, out long width, out long height));
                return height;
            }
        }

        /// <summary>A copy of the pixels: RGB, rows without gaps, width * height * 3 bytes.</summary>
        public byte[] GetPixels()
        {
            using (Handle.Hold())
            {
                Native.Check(Native.alexnet_image_pixels(Handle, out IntPtr pixels));
                var copy = new byte[Width * Height * 3];
                if (copy.Length > 0) Marshal.Copy(pixels, copy, 0, copy.Length);
                return copy;
            }
        }

        internal static HandleArray Hold(IReadOnlyList<Image> images)
        {
            Native.CheckItems(images, nameof(images));
            return new HandleArray(images.Select(image => image.Handle).ToArray());
        }

        /// <summary>Frees it.</summary>
        public void Dispose() => owned.Dispose();
    }
}
