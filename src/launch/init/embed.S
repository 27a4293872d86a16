/* The finished init program, carried inside nucleus as data. INIT_IMAGE is its path. */
    .section .rodata
    .balign 16
    .global nucleus_init_image
nucleus_init_image:
    .incbin INIT_IMAGE
    .global nucleus_init_image_end
nucleus_init_image_end:
    .byte 0
    .section .note.GNU-stack,"",%progbits
