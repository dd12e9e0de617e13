//! The words that made-up container names consist of.

#[rustfmt::skip]
/// Friendly adjectives.
pub(super) const ADJECTIVES: [&str; 129] = [
    "able", "agile", "alert", "amber", "ample", "apt", "avid", "balmy", "blithe", "bold", "brave", "breezy",
    "bright", "brisk", "calm", "candid", "careful", "cheery", "chief", "civil", "clean", "clear", "clever",
    "cool", "cordial", "cosy", "crisp", "curious", "daring", "deft", "direct", "droll", "eager", "early",
    "earnest", "easy", "even", "exact", "fair", "famous", "fast", "fine", "firm", "fluent", "fond", "frank",
    "free", "fresh", "frugal", "full", "gentle", "genuine", "glad", "gleaming", "golden", "good", "grand",
    "great", "green", "handy", "happy", "hardy", "hearty", "helpful", "honest", "hopeful", "humble",
    "ideal", "jaunty", "jolly", "jovial", "just", "keen", "kind", "large", "lasting", "lean", "light",
    "lively", "logical", "loyal", "lucid", "lucky", "mellow", "merry", "mighty", "mild", "modest", "neat",
    "nimble", "noble", "open", "patient", "plucky", "polite", "prime", "prompt", "proud", "quick", "quiet",
    "ready", "robust", "serene", "sharp", "silent", "sincere", "smooth", "snug", "sober", "solid", "sound",
    "spry", "stable", "steady", "stellar", "sturdy", "subtle", "sunny", "sure", "swift", "tidy", "tranquil",
    "trusty", "upbeat", "vivid", "warm", "wise", "witty", "zesty",
];

#[rustfmt::skip]
/// People of science and engineering.
pub(super) const SURNAMES: [&str; 191] = [
    "abel", "agnesi", "aiken", "alhazen", "ampere", "anning", "archimedes", "aristarchus", "atanasoff",
    "avogadro", "babbage", "backus", "banach", "bardeen", "bartik", "bell", "bernoulli", "berzelius",
    "bessel", "bhabha", "bohr", "boltzmann", "boole", "borg", "bose", "boyle", "brahe", "brattain",
    "brunel", "burnell", "cannon", "cantor", "carnot", "carson", "cauchy", "cavendish", "celsius",
    "chandrasekhar", "church", "clarke", "copernicus", "cori", "coulomb", "cray", "crick", "curie",
    "dalton", "darwin", "davy", "descartes", "dijkstra", "dirac", "doppler", "earhart", "easley", "edison",
    "eiffel", "einstein", "elion", "engelbart", "eratosthenes", "erdos", "euclid", "euler", "fahrenheit",
    "faraday", "fermat", "fermi", "feynman", "fibonacci", "fleming", "foucault", "fourier", "franklin",
    "fresnel", "galileo", "galois", "galvani", "gauss", "germain", "gilbreth", "godel", "goeppert",
    "goldberg", "goodall", "gutenberg", "halley", "hamilton", "hamming", "harvey", "hawking", "heisenberg",
    "helmholtz", "hermite", "herschel", "hertz", "hilbert", "hoare", "hodgkin", "hooke", "hopper", "hubble",
    "huygens", "hypatia", "jacquard", "jenner", "johnson", "joliot", "joule", "kahan", "kalman", "kelvin",
    "kepler", "kilby", "knuth", "kolmogorov", "kovalevskaya", "lagrange", "lamarr", "laplace", "lavoisier",
    "leavitt", "leibniz", "levi", "liskov", "lovelace", "mach", "marconi", "maxwell", "mccarthy", "meitner",
    "mendel", "mendeleev", "mercator", "milner", "mirzakhani", "moore", "morse", "naur", "newton", "nobel",
    "noether", "noyce", "oersted", "ohm", "oppenheimer", "ostrom", "pascal", "pasteur", "pauli", "payne",
    "planck", "poincare", "poisson", "ptolemy", "pythagoras", "ramanujan", "rayleigh", "riemann", "ritchie",
    "roentgen", "rubin", "rutherford", "sagan", "salk", "sammet", "schroedinger", "shannon", "siemens",
    "snell", "stallman", "stevin", "stokes", "tesla", "thales", "thompson", "torricelli", "turing",
    "vesalius", "volta", "wallace", "watt", "wegener", "wiles", "wilkes", "wirth", "wozniak", "wu", "yalow",
    "yonath", "zuse",
];
