using System;

namespace AlexNet
{
    /// <summary>What the library could not do, in its words. Work that was cancelled gives an
    /// <see cref="OperationCanceledException"/> instead.</summary>
    public sealed class AlexNetException : Exception
    {
        /// <summary>Why. Later versions of the library may have values that the enum does not name.</summary>
        public Status Status { get; }

        internal AlexNetException(Status status, string text) : base(text)
        {
            Status = status;
        }
    }
}
