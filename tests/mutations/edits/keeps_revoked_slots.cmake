# Whoever lost a claim leaves its slots to nobody.
set(file src/queue/publisher.cpp)
set(find [==[    if (!side_.release_revoked(p)) {
      self_->fail_corrupted("releasing a revoked claim");
    }
]==])
set(put [==[    (void)p;
]==])
set(target single_step_test)
set(arguments [[--only]] [[try_enqueue of 49 bytes, shared]])
