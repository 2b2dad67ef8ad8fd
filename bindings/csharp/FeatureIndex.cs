using System;
using System.Collections.Generic;
using System.Globalization;
using System.Threading;

namespace AlexNet
{
    /// <summary>A picture that an index has found.</summary>
    public struct Neighbour
    {
        internal Neighbour(long picture, string path, double distance)
        {
            Picture = picture;
            Path = path;
            Distance = distance;
        }

        /// <summary>Its number in the index.</summary>
        public long Picture { get; }

        /// <summary>As it was when the index was made.</summary>
        public string Path { get; }

        /// <summary>Euclidean, of the features.</summary>
        public double Distance { get; }

        /// <summary>"cats/7.jpg 12.3456".</summary>
        public override string ToString() => Path + " " + Distance.ToString("F4", CultureInfo.InvariantCulture);
    }

    /// <summary>Features of many pictures, in a file, and the nearest of them to another picture. It never changes.</summary>
    public sealed unsafe class FeatureIndex : IDisposable
    {
        private readonly IndexHandle owned;

        private IndexHandle Handle => owned.Of(nameof(FeatureIndex));

        /// <summary>Opens an index that <see cref="Create"/> or `alexnet features` has written; `context` null: the default one.</summary>
        public FeatureIndex(string path, Context context = null)
        {
            Native.Check(Native.alexnet_index_open(Context.HandleOf(context), Native.Utf8(path, nameof(path)), out owned));
            Native.Check(Native.alexnet_index_size(Handle, out long pictures, out long numbers));
            Count = pictures;
            Numbers = numbers;
            Native.Check(Native.alexnet_index_layer(Handle, out IntPtr layer));
            Layer = Native.Text(layer);
        }

        /// <summary>Pictures that it holds.</summary>
        public long Count { get; }

        /// <summary>Numbers of each picture.</summary>
        public long Numbers { get; }

        /// <summary>The layer whose activations they are: for <see cref="SessionOptions.Outputs"/>.</summary>
        public string Layer { get; }

        /// <summary>What <see cref="Create"/> has written.</summary>
        public struct Written
        {
            internal Written(long pictures, long broken)
            {
                Pictures = pictures;
                Broken = broken;
            }

            /// <summary>In the index.</summary>
            public long Pictures { get; }

            /// <summary>Left out, since they cannot be read.</summary>
            public long Broken { get; }
        }

        /// <summary>Writes an index of a picture or of all pictures below a folder.</summary>
        /// <param name="session">Its options name the layer among their outputs; a larger batch is faster.</param>
        /// <param name="layer">Whose activations it shall hold.</param>
        /// <param name="pictures">A picture, or a folder.</param>
        /// <param name="path">Of the index.</param>
        /// <param name="progress">Called between batches with pictures done and pictures in all; what it throws comes out here.</param>
        /// <param name="token">Ends it with an <see cref="OperationCanceledException"/>, and no index is written.</param>
        public static Written Create(Session session, string layer, string pictures, string path,
            Action<long, long> progress = null, CancellationToken token = default(CancellationToken))
        {
            if (session == null) throw new ArgumentNullException(nameof(session));
            byte[] named = Native.Utf8(layer, nameof(layer)), from = Native.Utf8(pictures, nameof(pictures)),
                to = Native.Utf8(path, nameof(path));
            long written = 0, broken = 0;
            ProgressWatch.Watch(progress, token, (callback, user) =>
                Native.alexnet_index_create(session.Handle, named, from, to, callback, user, out written, out broken));
            return new Written(written, broken);
        }

        /// <summary>The pictures nearest to this one, the nearest first. `session`: of the model that made the index, with its
        /// layer among the outputs.</summary>
        public IReadOnlyList<Neighbour> Search(Session session, Image image, long most = 6)
        {
            if (session == null) throw new ArgumentNullException(nameof(session));
            if (image == null) throw new ArgumentNullException(nameof(image));
            Native.Check(Native.alexnet_index_search(Handle, session.Handle, image.Handle, most, out NeighboursHandle found));
            return List(found);
        }

        /// <summary>The same by features that are there already, as <see cref="Result.Features"/> gives them.</summary>
        public IReadOnlyList<Neighbour> Search(float[] features, long most = 6)
        {
            if (features == null) throw new ArgumentNullException(nameof(features));
            fixed (float* start = features)
            {
                Native.Check(Native.alexnet_index_search_features(Handle, start, features.Length, most, out NeighboursHandle found));
                return List(found);
            }
        }

        /// <summary>Frees it.</summary>
        public void Dispose() => owned.Dispose();

        private static IReadOnlyList<Neighbour> List(NeighboursHandle found)
        {
            using (found)
            {
                Native.Check(Native.alexnet_neighbours_count(found, out long count));
                var list = new Neighbour[count];
                for (long rank = 0; rank < count; ++rank)
                {
                    Native.Check(Native.alexnet_neighbours_get(found, rank, out long picture, out IntPtr path, out double distance));
                    list[rank] = new Neighbour(picture, Native.Text(path), distance);
                }
                return list;
            }
        }
    }
}
