using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using AlexNet;

internal static class InferenceTests
{
    // Several threads are slow where others use the machine too.
    private static readonly SessionOptions OneThread = new SessionOptions { Threads = 1 };

    public static void LibraryTellsOfItself()
    {
        Check.Equal(Library.ExpectedAbiVersion, Library.AbiVersion);
        Check.Equal(3, Library.Version.Split('.').Length, "version");
        Check.Contains(Library.Version, Library.BuildInfo);
        Check.Equal("ALEXNET_ERROR_BAD_FILE", Library.StatusName(Status.BadFile));
        Check.That(Library.Networks.Contains("alexnet-2012"), "networks");
        Device cpu = Library.Devices.Single(device => device.Name == "cpu");
        Check.That(cpu.Usable && cpu.Description.Length > 0, "cpu");
        Check.That(cpu.Inference.Contains(Precision.Fp32) && cpu.Training.Contains(Precision.Fp32), "cpu in fp32");
        Check.That(!cpu.Training.Contains(Precision.Tf32), "cpu in tf32");
        Library.ProbeDevice("cpu");
        Check.Fails(Status.NotFound, () => Library.ProbeDevice("abacus"), "abacus", "cpu");
        Check.Near(0, Library.TestDevice("cpu"), 1e-4, "device test");
    }

    public static void ClassifiesFileBytesAndImageAlike()
    {
        using (var model = new Model())
        using (var session = new Session(model, OneThread))
        using (Result file = session.Classify(Runner.Cat))
        using (Result bytes = session.Classify(File.ReadAllBytes(Runner.Cat)))
        using (Image image = Image.FromFile(Runner.Cat))
        using (Result read = session.Classify(image))
        {
            Check.Equal(1L, file.Count);
            IReadOnlyList<Answer> top = file.Top(3);
            Check.Equal(3, top.Count);
            Check.Equal("cat", top[0].Label);
            Check.Equal(3L, top[0].Index, "index of cat");
            float[] all = file.Probabilities();
            Check.Equal(10, all.Length);
            Check.Equal(all[3], top[0].Probability);
            Check.Near(1, all.Sum(), 1e-5, "sum");
            Check.Equal(10, file.Top(1000).Count);
            Check.Equal(0, file.Top(0).Count);
            Check.That(all.SequenceEqual(bytes.Probabilities()), "bytes differ");
            Check.That(all.SequenceEqual(read.Probabilities()), "image differs");
            Check.Fails(Status.InvalidArgument, () => file.Top(1, 1), "image");
        }
    }

    public static void RunsOnPreprocessedImages()
    {
        using (var model = new Model(Runner.Bundled))
        using (var session = new Session(model, new SessionOptions { Batch = 2, Threads = 1 }))
        using (Image image = Image.FromFile(Runner.Cat))
        using (Result ten = session.Classify(image, 10))
        using (Result one = session.Classify(image))
        {
            float[] crops = model.Preprocess(image, 10);
            Check.Equal(10 * 3 * 32 * 32, crops.Length);
            Check.Contains("\"height\"", model.InputJson);
            using (Result result = session.Run(crops))
            {
                Check.Equal(10L, result.Count);
                float mean = Enumerable.Range(0, 10).Average(i => result.Probabilities(i)[3]);
                Check.Near(mean, ten.Probabilities()[3], 1e-5, "ten crops");
            }
            using (Result result = session.Run(model.Preprocess(image)))
                Check.Near(one.Probabilities()[3], result.Probabilities()[3], 1e-6, "one crop");
            Check.Throws<ArgumentException>(() => session.Run(new float[100]));
            Check.Fails(Status.InvalidArgument, () => model.Preprocess(image, 3), "crops");
        }
    }

    public static void BatchesAndFeatures()
    {
        using (var model = new Model())
        using (var session = new Session(model, new SessionOptions { Batch = 4, Threads = 1, Outputs = { model.Layers[0].Name, "fc5" } }))
        {
            List<Image> images = new[] { "cat", "horse", "duck", "imagenet/photographer", "cat" }
                .Select(name => Image.FromFile(Path.Combine(Runner.Samples, name + ".jpg"))).ToList();
            using (Result result = session.Classify(images))
            {
                Check.Equal(5L, result.Count);
                Check.Near(result.Probabilities(0)[3], result.Probabilities(4)[3], 1e-6, "the same picture twice");
                Check.That(result.Probabilities(1)[3] != result.Probabilities(0)[3], "two pictures alike");
            }
            string layer = model.Layers[0].Name;
            Shape shape = session.OutputShape(layer);
            Check.Equal(model.Layers[0].Shape, shape);
            float[] features = session.Features(images, layer);
            Check.Equal(5 * shape.Count, (long)features.Length);
            Check.That(session.Features(images[0], layer).SequenceEqual(session.Features(new[] { images[0] }, layer)), "one image");
            Check.Throws<ArgumentNullException>(() => session.Features((Image)null, layer));
            float[] cat = session.Features(images.Take(1).ToList(), layer);
            for (int i = 0; i < cat.Length; ++i) Check.Near(features[i], cat[i], 1e-4, "feature");
            Check.That(cat.Any(value => value > 0), "features are empty");
            Check.Equal("192x1x1", session.OutputShape("fc5").ToString());
            Check.Equal(192, session.Features(images[0], "fc5").Length);
            Check.Fails(Status.NotFound, () => session.OutputShape("fc99"), "fc99");
            Check.Throws<ArgumentNullException>(() => session.Classify(new Image[] { null }));
            images.ForEach(image => image.Dispose());
        }
    }

    public static void IndexesFindPictures()
    {
        string path = Runner.New("pictures.safetensors");
        using (var model = new Model())
        using (var session = new Session(model, new SessionOptions { Batch = 4, Threads = 1, Outputs = { "fc5" } }))
        using (Image image = Image.FromFile(Runner.Cat))
        using (Result result = session.Classify(image))
        {
            float[] features = result.Features("fc5");
            Check.That(features.SequenceEqual(session.Features(image, "fc5")), "features in one pass");
            Check.Fails(Status.NotFound, () => result.Features("fc6"), "fc6");
            long pictures = 0;
            FeatureIndex.Written written = FeatureIndex.Create(session, "fc5", Runner.Samples, path, (done, total) => pictures = total);
            Check.Equal(pictures, written.Pictures + written.Broken);
            using (var index = new FeatureIndex(path))
            {
                Check.Equal(written.Pictures, index.Count);
                Check.Equal(192L, index.Numbers);
                Check.Equal("fc5", index.Layer);
                IReadOnlyList<Neighbour> found = index.Search(session, image, 3);
                Check.Equal(3, found.Count);
                Check.Equal(Path.GetFullPath(Runner.Cat), Path.GetFullPath(found[0].Path));
                Check.Near(0, found[0].Distance, 0);
                Check.Equal(found[1].Picture, index.Search(features, 2)[1].Picture);
                Check.Fails(Status.InvalidArgument, () => index.Search(new float[3]), "192");
            }
            Check.Throws<NotSupportedException>(() => FeatureIndex.Create(session, "fc5", Runner.Samples, path,
                (done, total) => throw new NotSupportedException()));
            Check.Fails(Status.NotFound, () => new FeatureIndex(Runner.New("none")), "none");
        }
    }

    public static void ModelsTellOfThemselves()
    {
        using (var model = new Model())
        using (Model copy = Model.FromBytes(File.ReadAllBytes(Runner.Bundled)))
        using (Model drawn = Model.Drawn("alexnet-cifar10", 7, 48, 3))
        {
            Check.Equal("alexnet-cifar10", model.Name);
            Check.Equal(32L, model.InputHeight);
            Check.Equal(454858L, model.ParameterCount);
            Check.Equal(model.ParameterCount, model.Layers.Sum(layer => layer.Parameters));
            Check.That(model.Layers.Any(layer => layer.Op == "conv" && layer.MultiplyAdds > 0), "no conv");
            Check.Equal("airplane", copy.Labels[0]);
            Check.Near(0, copy.SelfTest().Value, 1e-3, "self-test");
            Check.Equal(7, drawn.Labels.Count);
            Check.Equal(48L, drawn.InputWidth);
            Check.That(drawn.SelfTest("cpu") == null, "drawn weights have a self-test");
            MemoryReport plan = Session.PlanMemory(model, new SessionOptions { Batch = 8, Threads = 1 });
            using (var session = new Session(model, new SessionOptions { Batch = 8, Threads = 1 }))
                Check.Equal(plan.Total, session.Memory().Total);
            Check.Equal(1L, plan.DeviceCount);
            Check.Equal(plan.Bytes(MemoryKind.Weights), plan.Bytes(MemoryKind.Weights, 0));
            Check.Equal(0L, plan.Bytes(MemoryKind.Gradients));
            Check.That(plan.Bytes(MemoryKind.Weights) >= 4 * model.ParameterCount, "weights");
        }
    }

    public static void NetworksWrittenDown()
    {
        const string spec = @"{""format"":1,""name"":""mine"",""classes"":2,""labels"":[""left"",""ri\u00e9ght""],""logits"":""fc"",
            ""input"":{""height"":8,""width"":8,""scale"":1,""mean"":[0,0,0],""resize"":{""mode"":""squash"",""size"":8}},
            ""nodes"":[{""name"":""fc"",""op"":""linear"",""weight"":""he""},{""name"":""prob"",""op"":""softmax""}]}";
        string file = Path.Combine(Path.GetTempPath(), "alexnet_" + Guid.NewGuid() + ".json");
        File.WriteAllText(file, spec);
        try
        {
            using (Model text = Model.Drawn(spec))
            using (Model read = Model.Drawn(file))
            {
                Check.Equal("mine", text.Name);
                Check.Equal("ri\u00e9ght", read.Labels[1]);
                Check.Equal(2L * (8 * 8 * 3 + 1), read.ParameterCount);
            }
            Check.Fails(Status.BadFile, () => Model.Drawn(spec.Replace("linear", "lineal")), "lineal");
        }
        finally
        {
            File.Delete(file);
        }
    }

    public static void PixelsInEveryLayout()
    {
        byte[] rgb = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };  // 2 x 2
        byte[] turned = { 7, 8, 9, 10, 11, 12, 0, 0, 1, 2, 3, 4, 5, 6 };  // bottom row first, rows of 8 bytes
        using (Image plain = Image.FromPixels(rgb, 2, 2))
        using (Image upside = Image.FromPixels(turned, 2, 2, -8))
        using (Image bgr = Image.FromPixels(new byte[] { 3, 2, 1 }, 1, 1, 0, PixelFormat.Bgr))
        using (Image gray = Image.FromPixels(new byte[] { 9 }, 1, 1, 0, PixelFormat.Gray))
        using (Image rgba = Image.FromPixels(new byte[] { 1, 2, 3, 0 }, 1, 1, 0, PixelFormat.Rgba))
        using (var empty = new Image())
        {
            Check.That(plain.GetPixels().SequenceEqual(rgb), "plain");
            Check.That(upside.GetPixels().SequenceEqual(rgb), "upside down");
            Check.That(bgr.GetPixels().SequenceEqual(new byte[] { 1, 2, 3 }), "bgr");
            Check.That(gray.GetPixels().SequenceEqual(new byte[] { 9, 9, 9 }), "gray");
            Check.That(rgba.GetPixels().SequenceEqual(new byte[] { 255, 255, 255 }), "rgba");
            Check.Equal(0L, empty.Width);
            Check.Equal(0, empty.GetPixels().Length);
            Check.Throws<ArgumentException>(() => plain.SetPixels(new byte[11], 2, 2));
            Check.Throws<ArgumentException>(() => plain.SetPixels(new byte[13], 2, 2, -8));
            Check.Fails(Status.InvalidArgument, () => plain.SetPixels(new byte[12], 0, 2), "width");
            Check.Fails(Status.InvalidArgument, () => plain.SetPixels(new byte[100], 2, 2, 5), "stride");
            Check.That(plain.GetPixels().SequenceEqual(rgb), "a failure changed the picture");
        }
    }

    public static void ErrorsCarryStatusAndText()
    {
        Check.Fails(Status.NotFound, () => new Model("/nowhere/a.safetensors"), "/nowhere/a.safetensors");
        Check.Fails(Status.NotFound, () => Image.FromFile("/nowhere/kätzchen.jpg"), "/nowhere/kätzchen.jpg");
        string cut = Runner.New("cut.safetensors");
        byte[] bytes = File.ReadAllBytes(Runner.Bundled).Take(100000).ToArray();
        File.WriteAllBytes(cut, bytes);
        Check.Fails(Status.BadFile, () => new Model(cut), "cut.safetensors");
        Check.Fails(Status.BadFile, () => Model.FromBytes(bytes));
        Check.Fails(Status.BadFile, () => Image.FromBytes(new byte[0]));
        Check.Fails(Status.BadFile, () => Image.FromBytes(new byte[] { 1, 2, 3 }));
        using (var model = new Model())
        {
            Check.Fails(Status.NotFound, () => new Session(model, new SessionOptions { Device = "abacus" }), "abacus");
            Check.Fails(Status.InvalidArgument, () => new Session(model, new SessionOptions { Batch = 0 }), "batch");
        }
        Check.Throws<ArgumentNullException>(() => new Session(null));
        Check.Throws<ArgumentNullException>(() => Image.FromBytes(null));
        Check.Throws<ArgumentException>(() => new Model("a\0b"));
        Check.Throws<ArgumentException>(() => new Model("\ud800"));
    }

    public static void ObjectsTellOfThemselvesInWords()
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = new CultureInfo("de-DE");
        try
        {
            using (var file = new WeightFile(Runner.Bundled))
                Check.That(file.Tensors.Any(tensor => tensor.ToString() == "conv1.weight F16 32x3x3x3"), file.Tensors[0].ToString());
            using (var model = new Model())
            using (var session = new Session(model, OneThread))
            using (Result result = session.Classify(Runner.Cat))
            {
                Answer best = result.Top(1)[0];
                Check.Equal("cat " + best.Probability.ToString("F4", CultureInfo.InvariantCulture), best.ToString());
                Layer pool = model.Layers.First(layer => layer.Op == "max_pool");
                Check.Equal(pool.Name + ": max_pool " + pool.Shape.Channels + "x" + pool.Shape.Height + "x" + pool.Shape.Width,
                    pool.ToString());
                MemoryReport memory = session.Memory();
                Check.Equal(memory.Total + " bytes: Weights " + memory.Bytes(MemoryKind.Weights) + ", Activations " +
                    memory.Bytes(MemoryKind.Activations), memory.ToString());
            }
            Check.That(Library.Devices.Any(device => device.ToString().StartsWith("cpu: ", StringComparison.Ordinal)), "no cpu");
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    private static void Null(string argument, Action act) =>
        Check.Equal(argument, Check.Throws<ArgumentNullException>(act).ParamName);

    public static void NullIsRefusedByName()
    {
        Null("path", () => Image.FromFile(null));
        Null("bytes", () => Model.FromBytes(null));
        Null("network", () => Model.Drawn(null));
        Null("path", () => new WeightFile(null));
        Null("path", () => WeightFile.Verify(null));
        Null("from", () => WeightFile.Convert(null, "a"));
        Null("to", () => WeightFile.Convert(Runner.Bundled, null));
        Null("device", () => Library.ProbeDevice(null));
        Null("device", () => Library.TestDevice(null));
        Null("Device", () => new SessionOptions { Device = null });
        Null("Device", () => new TrainOptions { Device = null });
        Null("folder", () => new Dataset(null));
        using (var file = new WeightFile(Runner.Bundled)) Null("key", () => file.Metadata(null));
        using (var model = new Model())
        using (var session = new Session(model, OneThread))
        using (Image image = Image.FromFile(Runner.Cat))
        {
            Null("path", () => session.Classify((string)null));
            Null("bytes", () => session.Classify((byte[])null));
            Null("image", () => session.Classify((Image)null));
            Null("images", () => session.Classify((Image[])null));
            Null("values", () => session.Run(null));
            Null("layer", () => session.OutputShape(null));
            Null("layer", () => session.Features(new[] { image }, null));
            Check.Contains("images[1]", Check.Throws<ArgumentNullException>(() => session.Classify(new[] { image, null })).Message);
            Check.Contains("images[0]", Check.Throws<ArgumentNullException>(() => session.Features(new Image[1], "fc5")).Message);
            Check.Contains("Outputs[0]", Check.Throws<ArgumentNullException>(
                () => new Session(model, new SessionOptions { Outputs = { null } })).Message);
            Check.Contains("sessions[1]", Check.Throws<ArgumentNullException>(
                () => Session.Evaluate(new[] { session, null }, null)).Message);
        }
    }

    public static void NumbersOutOfRangeAreRefusedByName()
    {
        using (var model = new Model())
        using (var session = new Session(model, OneThread))
        using (Result result = session.Classify(Runner.Cat))
        using (var image = new Image())
        {
            Check.Equal("count", Check.Throws<ArgumentOutOfRangeException>(() => result.Top(-1)).ParamName);
            MemoryReport memory = session.Memory();
            Check.Equal("device", Check.Throws<ArgumentOutOfRangeException>(() => memory.Bytes(MemoryKind.Total, 1)).ParamName);
            Check.Equal("device", Check.Throws<ArgumentOutOfRangeException>(() => memory.Bytes(MemoryKind.Total, -2)).ParamName);
            Check.Equal("kind", Check.Throws<ArgumentOutOfRangeException>(() => memory.Bytes((MemoryKind)99)).ParamName);
            Check.Equal("kind", Check.Throws<ArgumentOutOfRangeException>(() => memory.Bytes((MemoryKind)(-1))).ParamName);
            Check.Throws<ArgumentException>(() => image.SetPixels(new byte[3], long.MaxValue, 1));
            Check.Throws<ArgumentException>(() => image.SetPixels(new byte[3], 1, long.MaxValue));
            Check.Throws<ArgumentException>(() => image.SetPixels(new byte[3], 1, 1, long.MinValue));
            Check.Fails(Status.InvalidArgument, () => image.SetPixels(new byte[3], 0, 1, long.MinValue), "width");
        }
    }

    public static void WeightFiles()
    {
        using (var file = new WeightFile(Runner.Bundled))
        {
            TensorInfo conv = file.Tensors.First(tensor => tensor.Shape.Count == 4);
            Check.Equal(4, conv.Shape.Count);
            Check.That(file.Read(conv).Any(value => value != 0), "only zeros");
            Check.Equal(conv.Count, (long)file.Read(conv).Length);
            Check.Contains("alexnet-cifar10", file.Metadata("alexnet.model"));
            Check.Equal(null, file.Metadata("alexnet.nonsense"));
        }
        Check.Near(0, WeightFile.Verify(Runner.Bundled).Value, 1e-3, "self-test");
        string half = Runner.New("half.safetensors");
        WeightFile.Convert(Runner.Bundled, half, null, Precision.Fp16, true);
        Check.That(WeightFile.Verify(half) == null, "a plain file has a self-test");
        using (var file = new WeightFile(half)) Check.That(file.Tensors.All(tensor => tensor.Type == "F16"), "not all F16");
        using (var model = new Model(half, "alexnet-cifar10")) Check.Equal(454858L, model.ParameterCount);
        byte[] bytes = File.ReadAllBytes(Runner.Bundled);
        bytes[bytes.Length - 1000] ^= 64;
        File.WriteAllBytes(half, bytes);
        Check.Fails(Status.BadFile, () => WeightFile.Verify(half));
        bytes[bytes.Length / 2] ^= 64;
        File.WriteAllBytes(half, bytes);
        using (var damaged = new Model(half))  // its sizes are right
        {
            Check.That(Session.PlanMemory(damaged, OneThread).Total > 0, "no plan");
            Check.Fails(Status.BadFile, () => new Session(damaged, OneThread), "fc");
        }
    }

    public static void NamesInAnyScript()
    {
        string picture = Runner.New("kätzchen 猫 😀.jpg");
        File.Copy(Runner.Cat, picture);
        string weights = Runner.New("вес 猫.safetensors");
        WeightFile.Convert(Runner.Bundled, weights);
        Check.That(File.Exists(weights), "the file has another name");
        using (var model = new Model(weights))
        using (var session = new Session(model, OneThread))
        using (Result result = session.Classify(picture))
            Check.Equal("cat", result.Top(1)[0].Label);
    }
}
