// Trains a network on a data set: Train DATA OUT.safetensors [NETWORK [EPOCHS]]. Ctrl-C stops it; the same command goes on.
using System;
using System.Globalization;
using System.IO;
using System.Threading;
using AlexNet;

internal static class Train
{
    private const string Ending = ".safetensors";

    private static int Main(string[] args)
    {
        long epochs = 0;
        bool right = args.Length >= 2 && args.Length <= 4 && args[1].EndsWith(Ending, StringComparison.Ordinal);
        if (!right || args.Length == 4 && !(long.TryParse(args[3], out epochs) && epochs > 0))
        {
            Console.Error.WriteLine("usage: Train DATA OUT.safetensors [NETWORK [EPOCHS]]");
            return 2;
        }
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        using (var stop = new CancellationTokenSource())
        {
            Console.CancelKeyPress += (sender, e) =>
            {
                e.Cancel = true;  // the run ends by itself, after its step
                stop.Cancel();
            };
            try
            {
                var options = new TrainOptions { Epochs = epochs > 0 ? epochs : (long?)null };
                Learn(args[0], args[1], args.Length > 2 ? args[2] : "alexnet-cifar10", options, stop.Token);
                return 0;
            }
            catch (OperationCanceledException)
            {
                Console.Error.WriteLine("Train: stopped; the same command goes on");
                return 3;
            }
            catch (AlexNetException error)
            {
                Console.Error.WriteLine("Train: " + error.Message);
                return 1;
            }
        }
    }

    private static void Learn(string folder, string output, string network, TrainOptions options, CancellationToken stop)
    {
        string checkpoint = output.Substring(0, output.Length - Ending.Length) + ".checkpoint" + Ending;
        using (var data = new Dataset(folder))
        using (var test = new Dataset(folder, "test"))  // the same where the folder has no test part
        {
            bool begun = File.Exists(checkpoint);
            using (Trainer trainer = begun ? Trainer.Resume(checkpoint, data, options) : new Trainer(network, data, options))
                Learn(trainer, test, checkpoint, output, stop);
        }
    }

    private static void Learn(Trainer trainer, Dataset test, string checkpoint, string output, CancellationToken stop)
    {
        trainer.SetCheckpoint(checkpoint);
        long perEpoch = trainer.Progress.StepsPerEpoch, steps = 0;
        double loss = 0, accuracy = 0;
        trainer.OnStep = step =>
        {
            ++steps;
            loss += step.Loss;
            accuracy += step.Accuracy;
            if (step.Number % perEpoch != 0) return;
            Console.WriteLine("epoch {0}  loss {1:F4}  accuracy {2:F1}%", step.Number / perEpoch, loss / steps, 100 * accuracy / steps);
            loss = accuracy = steps = 0;
        };
        trainer.Run(stop);
        trainer.SaveWeights(output);
        using (Evaluation result = trainer.Evaluate(test))
            Console.WriteLine("saved {0}: {1:F1}% of {2} pictures right", output, 100 * result.Top1, result.Images);
    }
}
