// Names what is in a picture: Classify PICTURE [WEIGHTS]. Without a weight file, those that come with the library.
using System;
using System.Globalization;
using AlexNet;

internal static class Classify
{
    private static int Main(string[] args)
    {
        if (args.Length < 1)
        {
            Console.Error.WriteLine("usage: Classify PICTURE [WEIGHTS]");
            return 2;
        }
        try
        {
            using (var model = new Model(args.Length > 1 ? args[1] : null))
            using (var session = new Session(model))
            using (Result result = session.Classify(args[0]))
            {
                foreach (Answer answer in result.Top(5))
                {
                    string percent = (100.0 * answer.Probability).ToString("F1", CultureInfo.InvariantCulture);
                    Console.WriteLine("{0,5}%  {1}", percent, answer.Label);
                }
            }
            return 0;
        }
        catch (AlexNetException error)
        {
            Console.Error.WriteLine("Classify: " + error.Message);
            return 1;
        }
    }
}
