# What only a Debian package has, put into its tree before cpack packs that.
set(share ${CPACK_TEMPORARY_DIRECTORY}/usr/share)
# The date of the sources, not of the packing: one commit makes one package.
execute_process(COMMAND date -R -u -d @$ENV{SOURCE_DATE_EPOCH} OUTPUT_VARIABLE date OUTPUT_STRIP_TRAILING_WHITESPACE
  COMMAND_ERROR_IS_FATAL ANY)
file(WRITE ${CPACK_TEMPORARY_DIRECTORY}/../changelog "nucleus (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium

  * See /usr/share/doc/nucleus/CHANGELOG.md.gz.

 -- ${CPACK_PACKAGE_CONTACT}  ${date}
")
execute_process(COMMAND gzip -9nc ${CPACK_TEMPORARY_DIRECTORY}/../changelog
  OUTPUT_FILE ${share}/doc/nucleus/changelog.gz COMMAND_ERROR_IS_FATAL ANY)
file(MAKE_DIRECTORY ${share}/lintian/overrides)
configure_file(${CMAKE_CURRENT_LIST_DIR}/lintian-overrides ${share}/lintian/overrides/nucleus COPYONLY)
