#include "pool/pools.hpp"
