import ArgumentParser

@main struct JregDist: ParsableCommand {}
