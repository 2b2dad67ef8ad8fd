// A small test runner: every public static method of a class whose name ends in Tests is a test.
// tests.exe SAMPLES BUNDLED [NAME...]: the sample pictures, the bundled weights, and parts of the names of tests to run.
using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Threading;

internal sealed class Failure : Exception
{
    internal Failure(string text) : base(text)
    {
    }
}

internal static class Check
{
    internal static void That(bool condition, string what)
    {
        if (!condition) throw new Failure(what);
    }

    internal static void Equal<T>(T expected, T actual, string what = "")
    {
        if (!Equals(expected, actual)) throw new Failure(what + ": expected " + expected + ", got " + actual);
    }

    internal static void Near(double expected, double actual, double tolerance, string what = "")
    {
        if (!(Math.Abs(expected - actual) <= tolerance)) throw new Failure(what + ": expected " + expected + ", got " + actual);
    }

    internal static void Contains(string part, string text)
    {
        if (text == null || !text.Contains(part)) throw new Failure("'" + part + "' is not in: " + text);
    }

    internal static T Throws<T>(Action act) where T : Exception
    {
        try
        {
            act();
        }
        catch (T thrown)
        {
            return thrown;
        }
        throw new Failure("no " + typeof(T).Name);
    }

    // The library's exception, which must have this status and these parts in its text.
    internal static void Fails(AlexNet.Status status, Action act, params string[] parts)
    {
        var thrown = Throws<AlexNet.AlexNetException>(act);
        if (thrown.Status != status) throw new Failure("expected " + status + ", got " + thrown.Status + ": " + thrown.Message);
        That(thrown.Message.Length > 0, "no text");
        foreach (string part in parts) Contains(part, thrown.Message);
    }
}

internal static class Runner
{
    internal static string Samples, Bundled, Folder;

    internal static string Cat => Path.Combine(Samples, "cat.jpg");

    internal static string New(string name) => Path.Combine(Folder, name);

    // On a stack of its own, which no garbage collection finds anything on afterwards.
    internal static void Elsewhere(Action act)
    {
        Exception thrown = null;
        var thread = new Thread(() =>
        {
            try
            {
                act();
            }
            catch (Exception e)
            {
                thrown = e;
            }
        });
        thread.Start();
        thread.Join();
        if (thrown != null) throw new Exception("in another thread", thrown);
    }

    internal static bool Collect(Func<bool> until)
    {
        for (int i = 0; i < 50 && !until(); ++i)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Thread.Sleep(1);
        }
        return until();
    }

    private static int Main(string[] args)
    {
        Samples = args[0];
        Bundled = args[1];
        Folder = Path.Combine(Path.GetTempPath(), "alexnet-csharp-" + Process.GetCurrentProcess().Id);
        Directory.CreateDirectory(Folder);
        int failed = 0, run = 0;
        var tests = Assembly.GetExecutingAssembly().GetTypes().Where(type => type.Name.EndsWith("Tests", StringComparison.Ordinal))
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly));
        foreach (MethodInfo test in tests)
        {
            string name = test.DeclaringType.Name + "." + test.Name;
            if (args.Length > 2 && !args.Skip(2).Any(name.Contains)) continue;
            var watch = Stopwatch.StartNew();
            string error = null;
            try
            {
                test.Invoke(null, null);
            }
            catch (TargetInvocationException e)
            {
                error = e.InnerException.ToString();
            }
            ++run;
            if (error != null) ++failed;
            Console.WriteLine("{0,-6} {1} ({2} ms)", error == null ? "ok" : "FAILED", name, watch.ElapsedMilliseconds);
            if (error != null) Console.WriteLine(error);
        }
        Directory.Delete(Folder, true);
        Console.WriteLine("{0} tests, {1} failed", run, failed);
        return failed == 0 && run > 0 ? 0 : 1;
    }
}
