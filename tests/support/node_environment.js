// Gives the tests' getenv the environment of Node.
Module["preRun"] = [() => Object.assign(ENV, process.env)];
