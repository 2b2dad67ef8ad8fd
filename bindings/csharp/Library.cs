using System;
using System.Collections.Generic;

namespace AlexNet
{
    /// <summary>What can compute.</summary>
    public sealed class Device
    {
        internal Device(string name, string description)
        {
            Name = name;
            Description = description;
            Usable = Native.alexnet_device_probe(Native.Utf8(name)) == Status.Ok;
            Inference = Taken(0);
            Training = Taken(1);
        }

        /// <summary>"cpu", "cuda:0".</summary>
        public string Name { get; }

        /// <summary>For people; where it cannot be used, why.</summary>
        public string Description { get; }

        /// <summary>Whether it can be used.</summary>
        public bool Usable { get; }

        /// <summary>The precisions that it computes in; none where it cannot be used.</summary>
        public IReadOnlyList<Precision> Inference { get; }

        /// <summary>The precisions that it trains in.</summary>
        public IReadOnlyList<Precision> Training { get; }

        /// <summary>"cpu: " and the description.</summary>
        public override string ToString() => Name + ": " + Description + (Usable ? "" : " (not usable)");

        private List<Precision> Taken(int training)
        {
            var taken = new List<Precision>();
            foreach (Precision precision in Enum.GetValues(typeof(Precision)))
                if (Native.alexnet_device_probe_precision(Native.Utf8(Name), precision, training) == Status.Ok)
                    taken.Add(precision);
            return taken;
        }
    }

    /// <summary>The native library that is loaded.</summary>
    public static class Library
    {
        /// <summary>"1.2.3".</summary>
        public static string Version => Loaded(() => Native.Text(Native.alexnet_version()));

        /// <summary>The number in libalexnet.so.N; where it is not <see cref="ExpectedAbiVersion"/> nothing else works.</summary>
        public static int AbiVersion => Native.LoadedAbi();

        /// <summary>The ABI version that this assembly was made for.</summary>
        public static int ExpectedAbiVersion => Native.AbiVersion;

        /// <summary>One line for bug reports.</summary>
        public static string BuildInfo => Loaded(() => Native.Text(Native.alexnet_build_info()));

        /// <summary>The C name of a status.</summary>
        public static string StatusName(Status status) => Loaded(() => Native.Text(Native.alexnet_status_name(status)));

        /// <summary>The devices of this build and machine, usable or not.</summary>
        public static IReadOnlyList<Device> Devices
        {
            get
            {
                Native.Match();
                Native.Check(Native.alexnet_device_count(out long count));
                string[] names = Native.Texts(count, Native.alexnet_device_name);
                string[] descriptions = Native.Texts(count, Native.alexnet_device_description);
                var devices = new Device[count];
                for (int i = 0; i < devices.Length; ++i)
                    devices[i] = new Device(names[i], descriptions[i]);
                return devices;
            }
        }

        /// <summary>The networks that can be trained, and be the network of a weight file.</summary>
        public static IReadOnlyList<string> Networks
        {
            get
            {
                Native.Match();
                Native.Check(Native.alexnet_network_count(out long count));
                return Native.Texts(count, Native.alexnet_network_name);
            }
        }

        /// <summary>The weight file that comes with the library for one of <see cref="Networks"/>. Throws where none
        /// does.</summary>
        public static string NetworkWeights(string network)
        {
            Native.Match();
            Native.Check(Native.alexnet_network_weights(Native.Utf8(network, nameof(network)), out IntPtr path));
            return Native.Text(path);
        }

        /// <summary>Throws, with the reason, where a device, or several with commas, cannot be used.</summary>
        public static void ProbeDevice(string device)
        {
            Native.Match();
            Native.Check(Native.alexnet_device_probe(Native.Utf8(device, nameof(device))));
        }

        /// <summary>Computes a small training step on the device and by plain loops. Returns the largest relative difference,
        /// throws where the device computes wrong.</summary>
        public static double TestDevice(string device)
        {
            Native.Match();
            Native.Check(Native.alexnet_device_self_test(Native.Utf8(device, nameof(device)), out double difference));
            return difference;
        }

        private static string Loaded(Func<string> text)
        {
            Native.LoadedAbi();
            return text();
        }
    }
}
