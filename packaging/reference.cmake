# Compressed as Debian wants it, without name and time of the file.
set(compressed ${CMAKE_CURRENT_BINARY_DIR}/compressed)
add_custom_command(OUTPUT ${compressed}/done
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${compressed}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${compressed}/man
  COMMAND sh -c "gzip -9n < '${PROJECT_SOURCE_DIR}/CHANGELOG.md' > '${compressed}/CHANGELOG.md.gz'"
  COMMAND nucleus_reference ${CMAKE_CURRENT_BINARY_DIR}/reference
  COMMAND sh -c "cp '${CMAKE_CURRENT_BINARY_DIR}'/reference/man/*.1 '${compressed}/man/' && gzip -9nf '${compressed}'/man/*.1"
  COMMAND ${CMAKE_COMMAND} -E touch ${compressed}/done
  DEPENDS nucleus_reference ${PROJECT_SOURCE_DIR}/CHANGELOG.md
  VERBATIM)
add_custom_target(nucleus_documents ALL DEPENDS ${compressed}/done)
install(FILES ${compressed}/CHANGELOG.md.gz DESTINATION ${documents})
install(DIRECTORY ${compressed}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
set(completions ${CMAKE_CURRENT_BINARY_DIR}/reference/completions)
install(FILES ${completions}/nucleus.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME nucleus)
install(FILES ${completions}/_nucleus DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${completions}/nucleus.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
