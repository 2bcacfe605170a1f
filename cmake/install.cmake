# cmake --install: headers, library, command, and what find_package(millrace) and pkg-config read.
# Install components: library (the shared library, if it is one), development, command.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/millrace)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/millrace DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        COMPONENT development FILES_MATCHING PATTERN "*.hpp")
install(TARGETS millrace EXPORT millrace-targets
        RUNTIME COMPONENT library
        LIBRARY COMPONENT library NAMELINK_COMPONENT development
        ARCHIVE COMPONENT development
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
# millrace-targets must be read before these, as they are made of the library.
foreach(part IN ITEMS link nats)
  if(TARGET millrace_${part})
    install(TARGETS millrace_${part} EXPORT millrace-${part}-targets
            RUNTIME COMPONENT library
            LIBRARY COMPONENT library NAMELINK_COMPONENT development
            ARCHIVE COMPONENT development)
    install(EXPORT millrace-${part}-targets NAMESPACE millrace:: DESTINATION ${package_dir}
            COMPONENT development)
  endif()
endforeach()
install(EXPORT millrace-targets NAMESPACE millrace:: DESTINATION ${package_dir}
        COMPONENT development)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/millrace-config.cmake.in
  ${PROJECT_BINARY_DIR}/millrace-config.cmake INSTALL_DESTINATION ${package_dir}
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/millrace-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/millrace-config.cmake
              ${PROJECT_BINARY_DIR}/millrace-config-version.cmake
        DESTINATION ${package_dir} COMPONENT development)

# The prefix is found from where the .pc file lies, so that an installed tree can be moved.
file(RELATIVE_PATH pc_to_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(${CMAKE_CURRENT_LIST_DIR}/millrace.pc.in ${PROJECT_BINARY_DIR}/millrace.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/millrace.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
        COMPONENT development)

if(MILLRACE_BUILD_CLI)
  set_target_properties(millrace-cli PROPERTIES EXPORT_NAME cli)
  if(BUILD_SHARED_LIBS)
    file(RELATIVE_PATH bin_to_lib /prefix/${CMAKE_INSTALL_BINDIR} /prefix/${CMAKE_INSTALL_LIBDIR})
    set_target_properties(millrace-cli PROPERTIES INSTALL_RPATH $ORIGIN/${bin_to_lib})
  endif()
  install(TARGETS millrace-cli EXPORT millrace-cli-targets RUNTIME COMPONENT command)
  install(EXPORT millrace-cli-targets NAMESPACE millrace:: DESTINATION ${package_dir}
          COMPONENT command)
  install(FILES ${PROJECT_SOURCE_DIR}/src/cli/millrace.bash RENAME millrace
          DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions COMPONENT command)
endif()
