# A claim looks at its first word only.
set(header publishing)
set(find [[for (std::uint32_t i = 1; i < scan; ++i) {]])
set(put [[for (std::uint32_t i = 1; i < 1; ++i) {]])
